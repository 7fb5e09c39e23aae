/* [1x1 convolution ->] depthwise convolution -> 1x1 convolution [-> elementwise]: the separable and
 * the inverted residual blocks of mobile networks, in strips of output lines. The expanded image,
 * most of such a network's traffic, lives line by line in a ring in the cache. */
#include <string.h>

#include "fuse.h"

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
  int32_t span;       /* lines from the first to the last that one output line reads */
  int32_t strip;      /* output lines at once */
  size_t element;     /* bytes */
  size_t line_bytes;  /* of a padded line of the ring */
  size_t strip_bytes; /* of depthwise results */
  size_t tail_bytes;  /* of projected results before the tail */
  size_t thread_bytes;
} er_block;

/* ---- sizes ----------------------------------------------------------------------------------- */

static int32_t most(int32_t a, int32_t b) { return a > b ? a : b; }

static void size_scratch(er_block *b) {
  const er_conv_shape *s = &b->depthwise.shape;
  const size_t pixel = (size_t)s->out_c * b->element;
  const int32_t fitting = (int32_t)(STRIP_BYTES / pixel);
  const int32_t pixels = most(fitting, LEAST_PIXELS);
  b->span = (s->filter_h - 1) * s->dilation_h + 1;
  b->strip = most(1, pixels / s->out_w);
  b->line_bytes =
      er_align_up((size_t)most(b->depthwise.line_w, s->pad_left + s->in_w) * pixel + ER_OVERREAD);
  b->strip_bytes = er_align_up((size_t)b->strip * (size_t)s->out_w * pixel + ER_OVERREAD);
  const size_t projected = (size_t)b->project.shape.out_c * b->element;
  b->tail_bytes = b->tail.binary
                      ? er_align_up((size_t)b->strip * (size_t)s->out_w * projected + ER_OVERREAD)
                      : 0;
  const size_t kernel = b->depthwise.s8 ? b->depthwise.s8->scratch_bytes(&b->depthwise.spread) : 0;
  b->thread_bytes = er_align_up((size_t)s->filter_h * sizeof(void *)) +
                    er_align_up((size_t)b->span * sizeof(int64_t)) +
                    (1 + (size_t)b->span) * b->line_bytes + b->strip_bytes + b->tail_bytes +
                    er_align_up(kernel);
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

/* What one thread works with. Line y of the expanded image is at y mod span of the ring. */
typedef struct er_bench {
  const er_block *block;
  const char *input;
  const void **lines; /* [filter_h] for the depthwise kernel */
  int64_t *tags;      /* [span] which line of which image each place holds; -1: none */
  char *padding;      /* a line outside of the image */
  char *ring;         /* [span][line_bytes]; the columns outside of the image stay as they start */
  char *strip;        /* depthwise results */
  char *results;      /* projected results before the tail */
  void *kernel;       /* the depthwise kernel's scratch */
} er_bench;

static er_bench set_up(const er_block *b, const char *input, char *scratch) {
  const er_conv_shape *s = &b->depthwise.shape;
  er_bench bench = {.block = b, .input = input};
  bench.lines = (const void **)(void *)scratch;
  bench.tags = (int64_t *)(void *)(scratch + er_align_up((size_t)s->filter_h * sizeof(void *)));
  bench.padding = (char *)bench.tags + er_align_up((size_t)b->span * sizeof(int64_t));
  bench.ring = bench.padding + b->line_bytes;
  bench.strip = bench.ring + (size_t)b->span * b->line_bytes;
  bench.results = bench.strip + b->strip_bytes;
  bench.kernel = bench.results + b->tail_bytes;
  memset(bench.padding, b->depthwise.s8 ? b->depthwise.zero_point : 0,
         (1 + (size_t)b->span) * b->line_bytes);
  for (int32_t i = 0; i < b->span; i++) bench.tags[i] = -1;
  return bench;
}

/* One line of the image that the depthwise convolution reads, into the ring. */
static void make_line(const er_block *b, const char *from, char *to) {
  const er_conv_shape *s = &b->depthwise.shape;
  if (b->expands) {
    er_conv_gemm_rows(&b->expand, s->in_w, from,
                      to + (size_t)s->pad_left * (size_t)s->out_c * b->element);
  } else {
    er_dwconv_line(s, (int32_t)b->element, from, &b->depthwise.zero_point, to);
  }
}

static const void *line_at(const er_bench *bench, int32_t image, int32_t y) {
  const er_block *b = bench->block;
  const er_conv_shape *s = &b->depthwise.shape;
  if (y < 0 || y >= s->in_h) return bench->padding;
  const int64_t number = (int64_t)image * s->in_h + y;
  const int32_t channels = b->expands ? b->expand.shape.in_c : s->in_c;
  const char *from =
      bench->input + (size_t)number * (size_t)s->in_w * (size_t)channels * b->element;
  if (!b->expands && b->depthwise.direct) return from;
  const int32_t place = y % b->span;
  char *to = bench->ring + (size_t)place * b->line_bytes;
  if (bench->tags[place] != number) {
    make_line(b, from, to);
    bench->tags[place] = number;
  }
  return to;
}

static void depthwise_line(const er_bench *bench, int32_t row, char *to) {
  const er_conv_shape *s = &bench->block->depthwise.shape;
  const int32_t top = row % s->out_h * s->stride_h - s->pad_top;
  for (int32_t i = 0; i < s->filter_h; i++) {
    bench->lines[i] = line_at(bench, row / s->out_h, top + i * s->dilation_h);
  }
  er_dwconv_lines_one(&bench->block->depthwise, bench->lines, to, bench->kernel);
}

static void project(const er_job *job, const er_bench *bench, int32_t row, int32_t count) {
  const er_block *b = job->block;
  const er_conv_shape *s = &b->project.shape;
  const size_t at = (size_t)row * (size_t)s->out_w * (size_t)s->out_c * b->element;
  const int32_t pixels = count * s->out_w;
  char *results = b->tail.binary ? bench->results : job->output + at;
  er_conv_gemm_rows(&b->project, pixels, bench->strip, results);
  if (b->tail.binary) {
    er_tail_run(&b->tail, pixels * s->out_c, results, job->other + at, job->output + at);
  }
}

static void work(void *arg, int32_t first, int32_t last, int32_t thread) {
  const er_job *job = arg;
  const er_block *b = job->block;
  const er_conv_shape *s = &b->depthwise.shape;
  const size_t line = (size_t)s->out_w * (size_t)s->out_c * b->element;
  const er_bench bench = set_up(b, job->input, job->scratch + b->thread_bytes * (size_t)thread);
  for (int32_t row = first; row < last; row += b->strip) {
    const int32_t count = last - row < b->strip ? last - row : b->strip;
    for (int32_t i = 0; i < count; i++) {
      depthwise_line(&bench, row + i, bench.strip + (size_t)i * line);
    }
    project(job, &bench, row, count);
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
  const er_group group = {members, 4, run, m.tail ? 2 : 1, inputs, b, b->thread_bytes};
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
  m.tail = er_tail_after(links, m.project, &b->tail);
  ER_TRY(fuse(plan, m, b));
  *fused = true;
  return EDGERT_OK;
}
