/* A convolution and an elementwise operator on its result, strip by strip: residual connections and
 * activations by a table. */
#include "fuse.h"
#include "ops/spread.h"

/* Results at once: they stay in the first-level cache, or where weights are read from afar for each
 * strip in the second. */
enum { LEAST_STRIP_BYTES = 16 * 1024, MOST_STRIP_BYTES = 256 * 1024, WEIGHTS_TO_STRIP = 4 };

enum { OTHER, INPUT }; /* the first may become the output */

typedef struct er_residual {
  er_conv_gemm conv;
  er_tail tail;
  int32_t strip;       /* pixels */
  size_t pixel_bytes;  /* of results */
  size_t strip_bytes;  /* of results */
  size_t thread_bytes; /* scratch of one thread */
} er_residual;

static size_t strip_bytes(size_t weight_bytes) {
  const size_t bytes = weight_bytes / WEIGHTS_TO_STRIP;
  return bytes < LEAST_STRIP_BYTES  ? LEAST_STRIP_BYTES
         : bytes < MOST_STRIP_BYTES ? bytes
                                    : MOST_STRIP_BYTES;
}

static void size_scratch(er_residual *r) {
  const er_conv_shape *s = &r->conv.shape;
  const int32_t step = r->conv.in_place ? s->out_w : er_conv_gemm_row_step(&r->conv);
  r->pixel_bytes = (size_t)s->out_c * er_conv_gemm_element_bytes(&r->conv);
  const int32_t fitting = (int32_t)(strip_bytes(r->conv.group_bytes) / r->pixel_bytes);
  r->strip = er_round_up(fitting > step ? fitting : step, step);
  r->strip_bytes = er_align_up((size_t)r->strip * r->pixel_bytes + ER_OVERREAD);
  r->thread_bytes = r->strip_bytes + er_align_up(r->conv.thread_bytes);
}

/* What a thread needs. */
typedef struct er_job {
  const er_residual *residual;
  const void *input;
  const char *other;
  char *output;
  char *scratch;
  int32_t pixels; /* of all images */
  int32_t step;   /* pixels that the kernel computes at once */
} er_job;

static void work(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_residual *r = job->residual;
  char *results = job->scratch + r->thread_bytes * (size_t)thread;
  first *= job->step;
  last = er_steps_end(last, job->step, job->pixels);
  for (int32_t pixel = first; pixel < last; pixel += r->strip) {
    const int32_t end = last - pixel < r->strip ? last : pixel + r->strip;
    const size_t at = (size_t)pixel * r->pixel_bytes;
    er_conv_gemm_pixels(&r->conv, job->input, pixel, end, results, results + r->strip_bytes);
    er_tail_run(&r->tail, (end - pixel) * r->conv.shape.out_c, results,
                job->other ? job->other + at : NULL, job->output + at);
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_residual *r = node->data;
  const er_conv_shape *s = &r->conv.shape;
  er_job job = {r,
                er_in_data(run, node, INPUT),
                er_in_data(run, node, OTHER),
                er_out_data(run, node, 0),
                run->scratch,
                .pixels = s->batch * s->out_h * s->out_w,
                .step = er_conv_gemm_row_step(&r->conv)};
  er_parallel(run, er_steps(job.pixels, job.step), work, &job);
  return EDGERT_OK;
}

edgert_status er_fuse_residual(er_plan *plan, const er_links *links, int32_t position,
                               bool *fused) {
  er_node *node = &links->graph->nodes[position];
  const er_conv_gemm *conv = er_conv_gemm_of(node);
  if (!conv) return EDGERT_OK;
  er_tail tail;
  er_node *last = er_tail_after(plan, links, node, &tail);
  if (!last) return EDGERT_OK;
  er_residual *r = er_plan_alloc(plan, sizeof *r);
  if (!r) return er_plan_no_memory(plan);
  *r = (er_residual){.conv = *conv, .tail = tail};
  size_scratch(r);
  const int32_t inputs[] = {[INPUT] = node->inputs[0], [OTHER] = tail.other};
  er_node *const members[] = {node, last};
  /* Each pixel of `other` is read once, and then written. */
  const bool in_place = tail.binary && inputs[OTHER] != inputs[INPUT];
  const er_group group = {members, 2, run, 2, inputs, in_place, r, r->thread_bytes};
  ER_TRY(er_merge(plan, &group));
  *fused = true;
  return EDGERT_OK;
}
