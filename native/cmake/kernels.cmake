# Which folders of kernels this processor family builds, and the instruction set of each. All else is
# baseline: x86-64-v1, armv8-a, armv7-a with NEON. The order is that of kernels/layers.def.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(EDGERT_LAYERS avx2 avxvnni avx512vnni avx512vbmi amx)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(EDGERT_LAYERS neon dotprod i8mm)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^arm")
  set(EDGERT_LAYERS neon)
  set(EDGERT_FPU -mfpu=neon) # of armv8-a NEON is a part
endif()
set(EDGERT_FLAGS_avx2 -mavx2 -mfma)
set(EDGERT_FLAGS_avxvnni -mavx2 -mfma -mavxvnni)
set(EDGERT_FLAGS_avx512vnni -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni)
set(EDGERT_FLAGS_avx512vbmi ${EDGERT_FLAGS_avx512vnni} -mavx512vbmi)
set(EDGERT_FLAGS_amx ${EDGERT_FLAGS_avx512vnni} -mamx-tile -mamx-int8)
# The scheduler before register allocation moves loads up until sums spill. gcc's registers, given loop
# by loop, are copied where the loops meet, and few are used while others lie idle.
set(EDGERT_REGISTERS -fno-schedule-insns -fira-region=all)
if(NOT EDGERT_FPU) # of 32-bit ARM's 16 vector registers none lies idle
  list(APPEND EDGERT_REGISTERS -frename-registers)
endif()
foreach(flag ${EDGERT_REGISTERS})
  list(APPEND EDGERT_IN_ORDER $<$<C_COMPILER_ID:GNU>:${flag}>)
endforeach()
foreach(flag -mllvm -enable-misched=false -mllvm -pre-RA-sched=source)
  list(APPEND EDGERT_IN_ORDER $<$<C_COMPILER_ID:Clang>:${flag}>)
endforeach()
set(EDGERT_FLAGS_neon ${EDGERT_FPU} ${EDGERT_IN_ORDER})
# Else gcc saves vector registers anew for each line of a gemm.
set(EDGERT_FLAGS_dotprod -march=armv8.2-a+dotprod ${EDGERT_IN_ORDER}
                         $<$<C_COMPILER_ID:GNU>:-fno-shrink-wrap-separate>)
set(EDGERT_FLAGS_i8mm -march=armv8.2-a+dotprod+i8mm ${EDGERT_IN_ORDER})

file(GLOB EDGERT_KERNELS CONFIGURE_DEPENDS kernels/*.c kernels/generic/*.c)
foreach(layer ${EDGERT_LAYERS})
  file(GLOB sources CONFIGURE_DEPENDS kernels/${layer}/*.c)
  set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS "${EDGERT_FLAGS_${layer}}")
  list(APPEND EDGERT_KERNELS ${sources})
endforeach()

# Choices between floats become vector loops only where nobody asks which exceptions were raised.
file(GLOB functions kernels/*/unary_f32.c kernels/*/binary_f32.c kernels/*/reduce_f32.c kernels/*/softmax_f32.c
     kernels/avx2/compare.c)
set_property(SOURCE ${functions} APPEND PROPERTY COMPILE_OPTIONS -fno-trapping-math)

# Of two bounds in turn gcc makes a choice of three, with twice the instructions of two choices.
if("avx2" IN_LIST EDGERT_LAYERS)
  set_property(SOURCE kernels/avx2/unary_f32.c kernels/avx512vnni/unary_f32.c APPEND PROPERTY COMPILE_OPTIONS
               $<$<C_COMPILER_ID:GNU>:-fno-thread-jumps>)
endif()

# The steps of a polynomial wait for each other: those of several vectors in turn do not.
if("avx512vnni" IN_LIST EDGERT_LAYERS)
  set_property(SOURCE kernels/avx512vnni/unary_f32.c APPEND PROPERTY COMPILE_OPTIONS
               $<$<C_COMPILER_ID:GNU>:-fschedule-insns>)
endif()

# Loops that clang would write four times, 5 kB more.
if("neon" IN_LIST EDGERT_LAYERS)
  set_property(SOURCE kernels/generic/unary_f32.c kernels/generic/softmax_f32.c kernels/generic/binary_f32.c
                      kernels/generic/winograd_f32.c kernels/generic/batch_matmul_f32.c kernels/generic/gemm_w4b.c
                      kernels/generic/lstm.c kernels/generic/lstm_f32.c
               APPEND PROPERTY COMPILE_OPTIONS $<$<C_COMPILER_ID:Clang>:-fno-unroll-loops>)
endif()

# What counts is unrolled by hand there already; clang would add 4 kB.
if("neon" IN_LIST EDGERT_LAYERS)
  set_property(SOURCE kernels/neon/softmax_s8.c kernels/neon/batch_matmul.c kernels/neon/dwconv_s8.c kernels/neon/dynamic.c
                      kernels/neon/gemv_s8.c kernels/dotprod/gemv_s8.c kernels/dotprod/dwconv_s8.c
                      kernels/dotprod/gemm_s8.c APPEND PROPERTY COMPILE_OPTIONS $<$<C_COMPILER_ID:Clang>:-Os>)
endif()

# Those that every SIMD layer replaces, and those of few models.
set(EDGERT_SMALL_KERNELS cast compare select top_k reduce arg_extreme layer_norm_f32 mul_s8)
if(NOT "avx2" IN_LIST EDGERT_LAYERS) # on x86, where no size is promised, they take a half or less without
  list(APPEND EDGERT_SMALL_KERNELS copy_strided cumsum pad patches real_rows softmax_s8 transpose_conv
       transpose_conv_f32)
endif()
if("neon" IN_LIST EDGERT_LAYERS) # which every ARM core in question has: those are but its oracle there
  list(APPEND EDGERT_SMALL_KERNELS add_s8 dwconv_f32 dwconv_s8 dynamic fc_f32 gemm_f32 gemm_s8 gemv_s8 lookup pool
       quantize)
  # weights with zero points and the like, and 16-bit functions: rare there, and 400 kB are the limit
  list(APPEND EDGERT_SMALL_KERNELS dwconv_wide_s8 fixed16 gemm_wide_s8 sigmoid16 softmax_s16 table16 wide_units widen
       batch_matmul fixed_binary integer_binary norm_f32 rounding unary_real)
endif()
list(TRANSFORM EDGERT_SMALL_KERNELS REPLACE "(.+)" "kernels/generic/\\1.c")
list(APPEND EDGERT_SMALL_KERNELS kernels/kernels.c kernels/one_fma.c kernels/pack_f32.c)
