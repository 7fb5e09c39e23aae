/* Reading and writing stored integers of any type. */
#ifndef ER_LOAD_H
#define ER_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "edgert.h"

static inline int64_t er_load(edgert_type type, const void *data, int64_t i) {
  switch (type) {
    case EDGERT_INT8:
      return ((const int8_t *)data)[i];
    case EDGERT_UINT8:
      return ((const uint8_t *)data)[i];
    case EDGERT_INT16:
      return ((const int16_t *)data)[i];
    case EDGERT_INT64:
      return ((const int64_t *)data)[i];
    default:
      return ((const int32_t *)data)[i];
  }
}

/** @param value fits the type */
static inline void er_store(edgert_type type, void *data, int64_t i, int64_t value) {
  switch (type) {
    case EDGERT_INT8:
    case EDGERT_UINT8:
      ((uint8_t *)data)[i] = (uint8_t)value;
      break;
    case EDGERT_INT16:
      ((int16_t *)data)[i] = (int16_t)value;
      break;
    case EDGERT_INT64:
      ((int64_t *)data)[i] = value;
      break;
    default:
      ((int32_t *)data)[i] = (int32_t)value;
  }
}

/** A 4-bit integer of an array that holds two a byte, the low nibble first. */
static inline int8_t er_nibble_at(const uint8_t *pairs, int64_t i) {
  const int32_t nibble = i % 2 == 0 ? pairs[i / 2] & 15 : pairs[i / 2] >> 4;
  return (int8_t)((nibble ^ 8) - 8);
}

/** An 8-bit integer; with a constant `is_unsigned` the choice costs nothing. */
static inline int32_t er_load8(bool is_unsigned, const void *data, int64_t i) {
  return is_unsigned ? ((const uint8_t *)data)[i] : ((const int8_t *)data)[i];
}

#endif
