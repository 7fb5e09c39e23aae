/* An int8 gemm with its memory. */
#include <stdlib.h>

#include "measure.h"

static void run(void *arg) {
  const gemm_s8_job *job = arg;
  job->gemm->run(&job->call);
}

gemm_s8_job gemm_s8_job_of(const er_gemm_s8 *gemm, int32_t rows, int32_t depth, int32_t units,
                           int8_t *values) {
  const size_t r = (size_t)rows, d = (size_t)depth, u = (size_t)units;
  int8_t *input = take_random(r * d, 127), *output = take(r * u);
  int32_t *bias = take(u * sizeof *bias);
  float *scale = take_floats(u, 0.001f);
  void *packed = take(gemm->packed_bytes(units, depth));
  const er_range_s8 range = {0, -128, 127};
  gemm->pack(&(er_weights_s8){units, depth, values, bias, scale, -128, range}, packed);
  free(values), free(bias), free(scale);
  const er_gemm_s8_call call = {.rows = rows,
                                .depth = depth,
                                .units = units,
                                .input = input,
                                .input_stride = depth,
                                .packed = packed,
                                .last = units,
                                .range = range,
                                .output = output,
                                .output_stride = units};
  return (gemm_s8_job){gemm, call, input, output, packed};
}

subject gemm_s8_subject(gemm_s8_job *job) { return (subject){run, job}; }

void drop_gemm_s8_job(gemm_s8_job *job) { free(job->input), free(job->output), free(job->packed); }
