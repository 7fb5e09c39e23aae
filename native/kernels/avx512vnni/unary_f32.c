/* The portable loops, which the compiler turns into vectors of sixteen. */
#include "avx512vnni.h"

#define er_unary_f32 er_unary_f32_avx512
/* The four vectors of a block are computed in turn. */
#define ER_EACH                                            \
  for (int64_t at = 0; at < (count & -BLOCK); at += BLOCK) \
    for (int64_t i = at; i < at + BLOCK; i++)
#include "kernels/generic/unary_f32.c"
