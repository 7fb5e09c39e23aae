#include "run/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Weights have 22 bits behind the point: 32 - 8 bits of a pixel - 2 bits of overshoot. */
enum { FRACTION = 22 };

/* One output pixel of one direction: which input pixels go into it. */
typedef struct span {
  int32_t first, count;
} span;

/* The weights of all output pixels of one direction. */
typedef struct weights {
  int32_t most;    /* largest count of any span */
  span *spans;     /* [outputs] */
  int32_t *values; /* [outputs, most] */
} weights;

static double bilinear(double x) {
  x = fabs(x);
  return x < 1 ? 1 - x : 0;
}

/* Keys, "Cubic convolution interpolation for digital image processing" (1981), eq. 15, a = -0.5. */
static double bicubic(double x) {
  const double a = -0.5;
  x = fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static const struct {
  double (*value)(double x);
  double support; /* the filter is 0 beyond it */
} filters[] = {[RESAMPLE_BILINEAR] = {bilinear, 1}, [RESAMPLE_BICUBIC] = {bicubic, 2}};

/* How an output axis lies on an input axis. */
typedef struct axis {
  int32_t inputs, outputs;
  double start, step; /* input pixels: where output 0 begins, and how wide an output pixel is */
  resample_filter filter;
} axis;

/* The span and weights of output `index`. real: [most], values: [most] */
static span weigh(const axis *along, int32_t index, double *real, int32_t *values) {
  double widen = along->step < 1 ? 1 : along->step;
  double support = filters[along->filter].support * widen;
  double centre = along->start + (index + 0.5) * along->step;
  int32_t first = (int32_t)(centre - support + 0.5), end = (int32_t)(centre + support + 0.5);
  if (first < 0) first = 0;
  if (end > along->inputs) end = along->inputs;
  double sum = 0;
  for (int32_t i = 0; i < end - first; i++) {
    real[i] = filters[along->filter].value((i + first - centre + 0.5) * (1 / widen));
    sum += real[i];
  }
  for (int32_t i = 0; i < end - first; i++) {
    double weight = (sum != 0 ? real[i] / sum : 0) * (1 << FRACTION);
    values[i] = (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
  }
  return (span){first, end - first};
}

static void free_weights(weights *all) {
  free(all->spans);
  free(all->values);
}

static bool make_weights(const axis *along, weights *all) {
  double widen = along->step < 1 ? 1 : along->step;
  size_t outputs = (size_t)along->outputs;
  all->most = (int32_t)ceil(filters[along->filter].support * widen) * 2 + 1;
  all->spans = malloc(outputs * sizeof *all->spans);
  all->values = calloc(outputs * (size_t)all->most, sizeof *all->values);
  double *real = malloc((size_t)all->most * sizeof *real);
  bool good = all->spans && all->values && real;
  for (int32_t i = 0; good && i < along->outputs; i++) {
    all->spans[i] = weigh(along, i, real, all->values + (size_t)i * (size_t)all->most);
  }
  free(real);
  return good;
}

/* One output pixel: pixels `stride` bytes apart. */
static void mix(const uint8_t *pixels, size_t stride, const int32_t *values, int32_t count,
                uint8_t *to) {
  for (size_t c = 0; c < 3; c++) {
    int32_t sum = 1 << (FRACTION - 1);
    for (int32_t i = 0; i < count; i++) sum += pixels[(size_t)i * stride + c] * values[i];
    sum >>= FRACTION;
    to[c] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
  }
}

/* Along the rows. from: [height, in, 3], to: [height, out, 3] */
static void shrink_rows(const image *from, const weights *all, image *to) {
  for (int32_t y = 0; y < to->height; y++) {
    const uint8_t *row = from->pixels + 3 * (size_t)y * (size_t)from->width;
    for (int32_t x = 0; x < to->width; x++) {
      mix(row + 3 * (size_t)all->spans[x].first, 3, all->values + (size_t)x * (size_t)all->most,
          all->spans[x].count, to->pixels + 3 * ((size_t)y * (size_t)to->width + (size_t)x));
    }
  }
}

/* Along the columns. from: [in, width, 3], to: [out, width, 3] */
static void shrink_columns(const image *from, const weights *all, image *to) {
  size_t stride = 3 * (size_t)from->width;
  for (int32_t y = 0; y < to->height; y++) {
    const uint8_t *start = from->pixels + stride * (size_t)all->spans[y].first;
    for (int32_t x = 0; x < to->width; x++) {
      mix(start + 3 * (size_t)x, stride, all->values + (size_t)y * (size_t)all->most,
          all->spans[y].count, to->pixels + 3 * ((size_t)y * (size_t)to->width + (size_t)x));
    }
  }
}

/* A direction that keeps its pixels is copied, not filtered. */
static const char *pass(const image *from, const axis *along, bool columns, image *to) {
  weights all = {0, NULL, NULL};
  int32_t width = columns ? from->width : along->outputs;
  int32_t height = columns ? along->outputs : from->height;
  const char *why = image_allocate(width, height, to);
  if (!why && !make_weights(along, &all)) why = "is larger than the memory";
  if (!why) (columns ? shrink_columns : shrink_rows)(from, &all, to);
  free_weights(&all);
  if (why) image_free(to);
  return why;
}

const char *resample(const image *from, image_box box, int32_t width, int32_t height,
                     resample_filter filter, image *to) {
  axis rows = {from->width, width, box.left, (double)(box.right - box.left) / width, filter};
  axis columns = {from->height, height, box.top, (double)(box.bottom - box.top) / height, filter};
  image middle;
  const char *why = pass(from, &rows, false, &middle);
  if (why) return why;
  why = pass(&middle, &columns, true, to);
  image_free(&middle);
  return why;
}
