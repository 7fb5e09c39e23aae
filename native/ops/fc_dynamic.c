#include "fc_dynamic.h"

#include "spread.h"

static size_t quant_at(const er_dynamic *d, int32_t rows) {
  return er_align_up((size_t)rows * (size_t)d->depth + ER_OVERREAD);
}

static size_t tiles_at(const er_dynamic *d, int32_t rows) {
  return quant_at(d, rows) + er_align_up((size_t)rows * sizeof(er_row_quant));
}

size_t er_fc_dynamic_scratch(const er_dynamic *dynamic, int32_t rows, int32_t threads) {
  return tiles_at(dynamic, rows) + (size_t)threads * er_dynamic_tile_bytes(dynamic);
}

typedef struct er_job {
  const er_dynamic *dynamic;
  int32_t rows;
  int32_t lines; /* of tiles, one below the other */
  const float *input, *bias;
  float *output;
  int8_t *quantized;   /* [rows, depth] */
  er_row_quant *quant; /* [rows] */
  char *tiles;         /* [threads] */
} er_job;

static void quantize(void *arg, int64_t first, int64_t last) {
  const er_job *job = arg;
  const int32_t depth = job->dynamic->depth;
  for (int64_t r = first; r < last; r++) {
    job->quant[r] = job->dynamic->kernels->quantize_row(depth, job->input + r * depth,
                                                        job->quantized + r * depth);
  }
}

/* Tiles of rows and units, column by column: so the weights come from afar once. */
static void work(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_dynamic *d = job->dynamic;
  const int32_t width = er_dynamic_tile_units(d);
  int32_t *tile = (int32_t *)(void *)(job->tiles + (size_t)thread * er_dynamic_tile_bytes(d));
  for (int32_t i = first; i < last; i++) {
    const int32_t row = i % job->lines * ER_DYNAMIC_ROWS;
    const int32_t column = i / job->lines;
    const int32_t count = job->rows - row < ER_DYNAMIC_ROWS ? job->rows - row : ER_DYNAMIC_ROWS;
    er_dynamic_rows(d, 0, count, job->quantized + (int64_t)row * d->depth, job->quant + row,
                    job->bias, column * width, er_steps_end(column + 1, width, d->units),
                    i % job->lines, job->lines, job->output + (int64_t)row * d->units, d->units,
                    tile);
  }
}

void er_fc_dynamic_run(const er_run *run, const er_dynamic *dynamic, int32_t rows,
                       const float *input, const float *bias, float *output) {
  char *scratch = run->scratch;
  er_job job = {.dynamic = dynamic,
                .rows = rows,
                .lines = er_steps(rows, ER_DYNAMIC_ROWS),
                .input = input,
                .bias = bias,
                .output = output,
                .quantized = (int8_t *)scratch,
                .quant = (er_row_quant *)(void *)(scratch + quant_at(dynamic, rows)),
                .tiles = scratch + tiles_at(dynamic, rows)};
  er_spread(run, rows, dynamic->depth, quantize, &job);
  const int32_t columns = er_steps(dynamic->units, er_dynamic_tile_units(dynamic));
  er_parallel(run, columns * job.lines, work, &job);
}
