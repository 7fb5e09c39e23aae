/* [1x1 convolution ->] depthwise convolution -> 1x1 convolution [-> elementwise]: the separable and
 * the inverted residual blocks of mobile networks, in strips of output lines. The expanded image,
 * most of such a network's traffic, lives line by line in a ring in the cache. */
#include "fuse.h"
#include "ops/line_window.h"

/* An expanded image smaller than this stays in the second-level cache anyhow, and few wide calls of
 * the gemm beat many narrow ones. */
enum { LEAST_BYTES = 96 * 1024, LEAST_WIDTH = 14 };
/* Depthwise results for one call of the projection. */
enum { STRIP_BYTES = 16 * 1024, LEAST_PIXELS = 24 };

enum { INPUT, OTHER };

typedef struct er_block {
  bool expands;
  er_conv_gemm expand;
  er_dwconv_lines depthwise;
  er_conv_gemm project;
  er_tail tail;
  int32_t strip;       /* output lines at once */
  size_t element;      /* bytes */
  size_t window_bytes; /* of the lines that the depthwise convolution reads */
  size_t strip_bytes;  /* of depthwise results */
  size_t tail_bytes;   /* of projected results before the tail */
  size_t thread_bytes;
} er_block;

/* ---- sizes ----------------------------------------------------------------------------------- */

static int32_t most(int32_t a, int32_t b) { return a > b ? a : b; }

static void size_scratch(er_block *b) {
  const er_conv_shape *s = &b->depthwise.shape;
  const size_t pixel = (size_t)s->out_c * b->element;
  const int32_t fitting = (int32_t)(STRIP_BYTES / pixel);
  const int32_t pixels = most(fitting, LEAST_PIXELS);
  const size_t results = (size_t)b->project.shape.out_c * b->element;
  b->strip = er_round_up(most(1, pixels / s->out_w), b->depthwise.at_once);
  const size_t strip = (size_t)b->strip * (size_t)s->out_w;
  b->window_bytes = er_line_window_bytes(&b->depthwise, b->expands || !b->depthwise.direct);
  b->strip_bytes = er_align_up(strip * pixel + ER_OVERREAD);
  b->tail_bytes = er_has_tail(&b->tail) ? er_align_up(strip * results + ER_OVERREAD) : 0;
  b->thread_bytes = b->window_bytes + b->strip_bytes + b->tail_bytes;
}

/* ---- running --------------------------------------------------------------------------------- */

/* What a thread needs. */
typedef struct er_job {
  const er_block *block;
  const char *input;
  const char *other;
  char *output;
  char *scratch;
} er_job;

/* A line of the expanded image, between the columns that lie outside of it. */
static void expand_line(const void *arg, const char *from, char *to) {
  const er_block *b = arg;
  const er_conv_shape *s = &b->depthwise.shape;
  er_conv_gemm_rows(&b->expand, s->in_w, from,
                    to + (size_t)s->pad_left * (size_t)s->out_c * b->element);
}

static er_line_source source_of(const er_block *b, const char *input) {
  if (!b->expands) return er_dwconv_lines_source(&b->depthwise, input);
  const er_conv_shape *s = &b->expand.shape;
  return (er_line_source){input, (size_t)s->in_w * (size_t)s->in_c * b->element, expand_line, b};
}

/* Output lines [row, row + count) from their depthwise results.
 * @param results scratch for what the tail reads */
static void project(const er_job *job, int32_t row, int32_t count, const char *strip,
                    char *results) {
  const er_block *b = job->block;
  const er_conv_shape *s = &b->project.shape;
  const size_t at = (size_t)row * (size_t)s->out_w * (size_t)s->out_c * b->element;
  const int32_t pixels = count * s->out_w;
  if (!er_has_tail(&b->tail)) {
    er_conv_gemm_rows(&b->project, pixels, strip, job->output + at);
    return;
  }
  er_conv_gemm_rows(&b->project, pixels, strip, results);
  er_tail_run(&b->tail, pixels * s->out_c, results, job->other ? job->other + at : NULL,
              job->output + at);
}

static void work(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_block *b = job->block;
  char *scratch = job->scratch + b->thread_bytes * (size_t)thread;
  char *strip = scratch + b->window_bytes;
  const er_line_window window =
      er_line_window_open(&b->depthwise, source_of(b, job->input), scratch);
  for (int32_t row = first; row < last; row += b->strip) {
    const int32_t count = last - row < b->strip ? last - row : b->strip;
    er_line_window_compute(&window, row, row + count, strip);
    project(job, row, count, strip, strip + b->strip_bytes);
  }
}

static edgert_status run(const er_run *run, const er_node *node) {
  const er_block *b = node->data;
  er_job job = {b, er_in_data(run, node, INPUT), er_in_data(run, node, OTHER),
                er_out_data(run, node, 0), run->scratch};
  er_parallel(run, b->depthwise.shape.batch * b->depthwise.shape.out_h, work, &job);
  return EDGERT_OK;
}

/* ---- finding --------------------------------------------------------------------------------- */

static const er_conv_gemm *direct_conv(const er_node *node) {
  const er_conv_gemm *conv = node ? er_conv_gemm_of(node) : NULL;
  return conv && conv->direct ? conv : NULL;
}

static bool is_large(const er_dwconv_lines *d, size_t element) {
  const er_conv_shape *s = &d->shape;
  const size_t bytes = (size_t)s->in_h * (size_t)s->in_w * (size_t)s->out_c * element;
  return bytes >= LEAST_BYTES && s->out_w >= LEAST_WIDTH;
}

/* The nodes of a block; `expand` and `tail` may be NULL. */
typedef struct er_members {
  er_node *expand, *depthwise, *project, *tail;
} er_members;

static edgert_status fuse(er_plan *plan, er_members m, er_block *b) {
  size_scratch(b);
  er_node *const members[] = {m.expand, m.depthwise, m.project, m.tail};
  const int32_t inputs[] = {[INPUT] = (m.expand ? m.expand : m.depthwise)->inputs[0],
                            [OTHER] = m.tail ? b->tail.other : -1};
  const er_group group = {members, 4, run, m.tail ? 2 : 1, inputs, false, b, b->thread_bytes};
  return er_merge(plan, &group);
}

edgert_status er_fuse_block(er_plan *plan, const er_links *links, int32_t position, bool *fused) {
  er_members m = {.depthwise = &links->graph->nodes[position]};
  const er_dwconv_lines *depthwise = er_dwconv_lines_of(m.depthwise);
  if (!depthwise || !is_large(depthwise, depthwise->s8 ? 1 : sizeof(float))) return EDGERT_OK;
  m.project = er_only_consumer(links, m.depthwise);
  const er_conv_gemm *projection = direct_conv(m.project);
  if (!projection || m.project->inputs[0] != m.depthwise->outputs[0]) return EDGERT_OK;
  m.expand = er_only_producer(links, m.depthwise->inputs[0]);
  const er_conv_gemm *expansion = direct_conv(m.expand);
  if (!expansion || depthwise->shape.multiplier != 1) m.expand = NULL;
  er_block *b = er_plan_alloc(plan, sizeof *b);
  if (!b) return er_plan_no_memory(plan);
  *b = (er_block){.expands = m.expand != NULL,
                  .depthwise = *depthwise,
                  .project = *projection,
                  .element = depthwise->s8 ? 1 : sizeof(float)};
  if (m.expand) b->expand = *expansion;
  m.tail = er_tail_after(plan, links, m.project, &b->tail);
  ER_TRY(fuse(plan, m, b));
  *fused = true;
  return EDGERT_OK;
}
