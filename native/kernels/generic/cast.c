/* Conversion in two steps, through int64 or double, a chunk at a time: as many functions as types,
 * not as many as pairs of types. */
#include <math.h>
#include <string.h>

#include "compare.h"

#define CHUNK 256

typedef void (*widen_integers)(int32_t count, const void *input, int64_t *wide);
typedef void (*narrow_integers)(int32_t count, const int64_t *wide, void *output);
typedef void (*narrow_floats)(int32_t count, const double *wide, void *output);

/* An integer type: its name, its limits as doubles that bound what truncates into it. */
#define INTEGER(type, low, high)                                                                   \
  static void widen_##type(int32_t count, const void *input, int64_t *wide) {                      \
    const type *in = input;                                                                        \
    for (int32_t i = 0; i < count; ++i) wide[i] = (int64_t)in[i];                                  \
  }                                                                                                \
  static void narrow_##type(int32_t count, const int64_t *wide, void *output) {                    \
    type *out = output;                                                                            \
    for (int32_t i = 0; i < count; ++i) out[i] = (type)(uint64_t)wide[i];                          \
  }                                                                                                \
  static void truncate_##type(int32_t count, const double *wide, void *output) {                   \
    type *out = output;                                                                            \
    for (int32_t i = 0; i < count; ++i) {                                                          \
      const double x = wide[i];                                                                    \
      out[i] = isnan(x) ? 0 : x <= (double)(low) ? (low) : x >= (double)(high) ? (high) : (type)x; \
    }                                                                                              \
  }

INTEGER(int8_t, INT8_MIN, INT8_MAX)
INTEGER(uint8_t, 0, UINT8_MAX)
INTEGER(int16_t, INT16_MIN, INT16_MAX)
INTEGER(uint16_t, 0, UINT16_MAX)
INTEGER(int32_t, INT32_MIN, INT32_MAX)
INTEGER(uint32_t, 0, UINT32_MAX)
INTEGER(int64_t, INT64_MIN, INT64_MAX)

static void widen_bool(int32_t count, const void *input, int64_t *wide) {
  const uint8_t *in = input;
  for (int32_t i = 0; i < count; ++i) wide[i] = in[i] != 0;
}
static void narrow_bool(int32_t count, const int64_t *wide, void *output) {
  uint8_t *out = output;
  for (int32_t i = 0; i < count; ++i) out[i] = wide[i] != 0;
}
static void truncate_bool(int32_t count, const double *wide, void *output) {
  uint8_t *out = output;
  for (int32_t i = 0; i < count; ++i) out[i] = wide[i] != 0;
}

/* Floating types have no widen to int64; `bytes` tells them apart. */
typedef struct type_row {
  edgert_type type;
  int32_t bytes;
  widen_integers widen;
  narrow_integers narrow;
  narrow_floats truncate;
} type_row;

static void integers_to_float(int32_t count, const int64_t *wide, void *output) {
  float *out = output;
  for (int32_t i = 0; i < count; ++i) out[i] = (float)wide[i];
}
static void integers_to_double(int32_t count, const int64_t *wide, void *output) {
  double *out = output;
  for (int32_t i = 0; i < count; ++i) out[i] = (double)wide[i];
}
static void doubles_to_float(int32_t count, const double *wide, void *output) {
  float *out = output;
  for (int32_t i = 0; i < count; ++i) out[i] = (float)wide[i];
}
static void doubles_to_double(int32_t count, const double *wide, void *output) {
  memcpy(output, wide, (size_t)count * sizeof *wide);
}

static const type_row types[] = {
    {EDGERT_FLOAT32, 4, NULL, integers_to_float, doubles_to_float},
    {EDGERT_FLOAT64, 8, NULL, integers_to_double, doubles_to_double},
    {EDGERT_INT8, 1, widen_int8_t, narrow_int8_t, truncate_int8_t},
    {EDGERT_UINT8, 1, widen_uint8_t, narrow_uint8_t, truncate_uint8_t},
    {EDGERT_INT16, 2, widen_int16_t, narrow_int16_t, truncate_int16_t},
    {EDGERT_UINT16, 2, widen_uint16_t, narrow_uint16_t, truncate_uint16_t},
    {EDGERT_INT32, 4, widen_int32_t, narrow_int32_t, truncate_int32_t},
    {EDGERT_UINT32, 4, widen_uint32_t, narrow_uint32_t, truncate_uint32_t},
    {EDGERT_INT64, 8, widen_int64_t, narrow_int64_t, truncate_int64_t},
    {EDGERT_BOOL, 1, widen_bool, narrow_bool, truncate_bool},
};

static const type_row *row_of(edgert_type type) {
  for (size_t i = 0; i < sizeof types / sizeof *types; ++i) {
    if (types[i].type == type) return &types[i];
  }
  return NULL;
}

bool er_can_cast(edgert_type type) { return row_of(type) != NULL; }

static void widen_floats(int32_t count, const type_row *from, const void *input, double *wide) {
  if (from->type == EDGERT_FLOAT64) {
    memcpy(wide, input, (size_t)count * sizeof *wide);
    return;
  }
  const float *in = input;
  for (int32_t i = 0; i < count; ++i) wide[i] = (double)in[i];
}

void er_cast(int64_t count, edgert_type from, const void *input, edgert_type to, void *output) {
  const type_row *source = row_of(from), *target = row_of(to);
  const uint8_t *in = input;
  uint8_t *out = output;
  for (int64_t at = 0; at < count; at += CHUNK) {
    const int32_t part = (int32_t)(count - at < CHUNK ? count - at : CHUNK);
    if (source->widen != NULL) {
      int64_t wide[CHUNK];
      source->widen(part, in + at * source->bytes, wide);
      target->narrow(part, wide, out + at * target->bytes);
    } else {
      double wide[CHUNK];
      widen_floats(part, source, in + at * source->bytes, wide);
      target->truncate(part, wide, out + at * target->bytes);
    }
  }
}
