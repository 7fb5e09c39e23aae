# The compile and link settings that every target of the project shares.

# Contraction is off because results must be the same bits on every instruction set (DESIGN: one
# golden file for all). _POSIX_C_SOURCE gives mmap, pthreads and clock_gettime under strict C11.
function(edgert_compile target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include
                                               ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/kernels)
  target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L _FILE_OFFSET_BITS=64)
  target_compile_options(${target} PRIVATE -Wall -Wextra -ffp-contract=off -fno-math-errno
                                           -ffunction-sections -fdata-sections)
  # C unwinds nothing: the tables for it are a tenth of the library. Sanitizers print stacks by them.
  if(NOT EDGERT_SANITIZE)
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-fno-asynchronous-unwind-tables
                                             -fno-unwind-tables>)
  endif()
  if(EDGERT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-sanitize-recover=all
                                             -fno-omit-frame-pointer -g)
  endif()
  if(EDGERT_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

function(edgert_link target)
  target_link_options(${target} PRIVATE -Wl,--gc-sections)
  if(EDGERT_SANITIZE)
    target_link_options(${target} PRIVATE -fsanitize=address,undefined)
  elseif(NOT EDGERT_FUZZ)
    target_link_options(${target} PRIVATE -Wl,--no-undefined)
  endif()
endfunction()

# JPEG and PNG: only the headers are needed here, the libraries are looked for at run time, which a
# static program cannot.
include(CheckCSourceCompiles)
function(edgert_find_codecs target)
  if(EDGERT_STATIC)
    target_link_options(${target} PRIVATE -static)
  endif()
  if(EDGERT_STATIC OR CMAKE_EXE_LINKER_FLAGS MATCHES "-static")
    return()
  endif()
  check_c_source_compiles("#include <stdio.h>\n#include <jpeglib.h>\nint main(void) { return 0; }" EDGERT_JPEG)
  check_c_source_compiles("#include <png.h>\nint main(void) { return 0; }" EDGERT_PNG)
  foreach(codec JPEG PNG)
    if(EDGERT_${codec})
      target_compile_definitions(${target} PRIVATE EDGERT_WITH_${codec})
    endif()
  endforeach()
  target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})
endfunction()

# Only the kernels compute: all other files, and kernels that merely move or compare, are made small.
# Clang's -Oz is a tenth smaller than -Os; zig takes it for -Os unless it goes straight to the compiler.
function(edgert_make_small)
  set(small -Os)
  if(CMAKE_C_COMPILER_ID STREQUAL "Clang" AND "neon" IN_LIST EDGERT_LAYERS)
    list(APPEND small -Xclang -Oz)
  endif()
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:${small}>")
endfunction()
