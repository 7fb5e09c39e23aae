/* Times, the length of a cycle, and memory with random contents. */
#ifndef ER_MEASURE_H
#define ER_MEASURE_H

#include "kernels/kernels.h"

typedef struct subject {
  void (*run)(void *arg);
  void *arg;
} subject;

/** Time subjects in turn, in short rounds. @param[out] best [count] ns, the least of each */
void least_of_each(const subject *subjects, int32_t count, int32_t rounds, double *best);

/** @return that of a dependent addition, the least of all that were ever timed here. */
double nanoseconds_of_cycle(int32_t rounds);

/** Memory of zeros, 64-byte aligned, with room for kernels to read on. Ends the program where there
 * is none. */
void *take(size_t bytes);
/** @return [bytes] of -most..most */
int8_t *take_random(size_t bytes, int32_t most);
/** Normally distributed weights quantized per unit, whose largest is most or -most.
 * @return [units, depth] */
int8_t *take_weights(int32_t units, int32_t depth, int32_t most);
/** Weights of -127..127 rounded to -most..most. @param values [count] @return [count] */
int8_t *take_rounded(const int8_t *values, size_t count, int32_t most);
float *take_floats(size_t count, float value);

/* An int8 gemm with its memory. */
typedef struct gemm_s8_job {
  const er_gemm_s8 *gemm;
  er_gemm_s8_call call;
  int8_t *input, *output;
  void *packed;
} gemm_s8_job;

/** @param values [units, depth] weights, freed */
gemm_s8_job gemm_s8_job_of(const er_gemm_s8 *gemm, int32_t rows, int32_t depth, int32_t units,
                           int8_t *values);
subject gemm_s8_subject(gemm_s8_job *job);
void drop_gemm_s8_job(gemm_s8_job *job);

#endif
