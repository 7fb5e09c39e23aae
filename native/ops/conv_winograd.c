#include "conv_winograd.h"

#include "patch_lines.h"

/* Below, transforming costs more than it saves. */
enum { LEAST_CHANNELS_S8 = 8, LEAST_CHANNELS_F32 = 24 };
/* Above, reading weights does, of which each group of tiles takes all: 32 bytes of int8 or 64 of
 * float32 for each pair of channels. */
enum { MOST_PAIRS = 72 * 1024, UNIT_STEP = 32 };
/* Of int4 weights, which a gemm multiplies in longer chains. */
enum { MOST_PAIRS_S4 = 36 * 1024 };

enum { LINES_S8 = 64 * 1024, LINES_F32 = 256 * 1024 }; /* bytes of padded lines at once */

static bool has_form(const er_conv_shape *s) {
  return s->filter_h == 3 && s->filter_w == 3 && s->stride_h == 1 && s->stride_w == 1 &&
         s->dilation_h == 1 && s->dilation_w == 1 && s->groups == 1;
}

static bool has_size(const er_conv_shape *s, int32_t least_channels, int32_t most_pairs) {
  return s->in_c >= least_channels && ((int64_t)s->out_c + UNIT_STEP - 1) * s->in_c <= most_pairs;
}

/* Whether four times each sum fits int32, whatever the input and the weights. */
static bool has_room(const er_weights_s8 *w) {
  const int64_t most = INT32_MAX / 4 - (int64_t)w->depth * 255 * 128;
  for (int32_t unit = 0; unit < w->units; unit++) {
    if (w->bias[unit] > most || w->bias[unit] < -most) return false;
  }
  return true;
}

bool er_has_winograd_s8(const er_gemm_s8 *gemm, const er_conv_shape *s, bool int4) {
  const int32_t most_pairs = int4 ? MOST_PAIRS_S4 : MOST_PAIRS;
  return gemm->winograd && has_form(s) && has_size(s, LEAST_CHANNELS_S8, most_pairs);
}

const er_winograd_s8 *er_conv_winograd_s8_for(const er_conv_gemm *conv,
                                              const er_weights_s8 *weights, bool int4) {
  if (!er_has_winograd_s8(conv->s8, &conv->shape, int4)) return NULL;
  return conv->wide.count == 0 && has_room(weights) ? conv->s8->winograd : NULL;
}

const er_winograd_f32 *er_conv_winograd_f32_for(er_plan *plan, const er_conv_gemm *conv) {
  const er_conv_shape *s = &conv->shape;
  if (!has_form(s) || !has_size(s, LEAST_CHANNELS_F32, MOST_PAIRS)) return NULL;
  return &er_plan_kernels(plan)->winograd_f32;
}

bool er_is_winograd(const er_conv_gemm *conv) { return conv->winograd_s8 || conv->winograd_f32; }

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

/* Tiles take two lines. Where an image ends with half a tile, the next one begins with a whole. */
int32_t er_conv_winograd_step(const er_conv_gemm *conv) {
  const er_conv_shape *s = &conv->shape;
  const bool halves = s->batch > 1 && s->out_h % ER_TILE != 0;
  return s->out_w * (halves ? s->out_h : least(s->out_h, ER_TILE));
}

static er_patch_lines lines_of(const er_conv_gemm *conv) {
  const er_conv_shape *s = &conv->shape;
  const int32_t element = (int32_t)er_conv_gemm_element_bytes(conv);
  er_patch_lines l = er_patch_lines_of(s, element, conv->s8 ? LINES_S8 : LINES_F32);
  if (l.rows < ER_TILE) l = er_patch_lines_of(s, element, ER_TILE * l.line_bytes);
  if (l.rows < s->out_h) l.rows -= l.rows % ER_TILE;
  return l;
}

size_t er_conv_winograd_bytes(const er_conv_gemm *conv) {
  return lines_of(conv).thread_bytes + (conv->s8
                                            ? conv->winograd_s8->scratch_bytes(conv->shape.in_c)
                                            : er_conv_winograd_f32_bytes(conv));
}

static void run_s8(const er_conv_gemm *conv, int32_t rows, const void *lines, size_t line_bytes,
                   char *output, char *scratch) {
  conv->winograd_s8->run(&(er_winograd_s8_call){.shape = &conv->shape,
                                                .rows = rows,
                                                .lines = lines,
                                                .line_bytes = line_bytes,
                                                .packed = conv->packed,
                                                .range = conv->range,
                                                .output = (int8_t *)output,
                                                .output_stride = conv->pixel_step,
                                                .scratch = scratch});
}

void er_conv_winograd_pixels(const er_conv_gemm *conv, const void *input, int32_t first,
                             int32_t last, char *output, char *scratch) {
  const er_conv_shape *s = &conv->shape;
  const er_patch_lines lines = lines_of(conv);
  char *room = scratch + lines.thread_bytes;
  const size_t pixel = (size_t)conv->pixel_step * (size_t)lines.element;
  const int32_t end = last / s->out_w;
  for (int32_t line = first / s->out_w, rows; line < end; line += rows) {
    rows = least(lines.rows, least(end - line, s->out_h - line % s->out_h));
    const void *from = er_patch_lines_get(&lines, conv->zero_point, input, 0, line, rows, scratch);
    if (conv->s8) {
      run_s8(conv, rows, from, lines.line_bytes, output, room);
    } else {
      er_conv_winograd_f32_lines(conv, rows, from, (int64_t)(lines.line_bytes / sizeof(float)),
                                 (float *)(void *)output, (float *)(void *)room);
    }
    output += (size_t)rows * (size_t)s->out_w * pixel;
  }
}
