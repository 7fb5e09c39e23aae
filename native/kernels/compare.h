/* Comparison, selection and conversion of elements. A BOOL is a byte; anything but 0 is true. */
#ifndef ER_KERNELS_COMPARE_H
#define ER_KERNELS_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "edgert.h"

typedef enum er_comparison {
  ER_EQUAL,
  ER_NOT_EQUAL,
  ER_LESS,
  ER_LESS_EQUAL,
  ER_GREATER,
  ER_GREATER_EQUAL,
  ER_LOGICAL_AND, /* of BOOL only, like OR */
  ER_LOGICAL_OR
} er_comparison;

/** One row: output[i] = a[i * a_step] op b[i * b_step].
 * @param a_step,b_step 0 (the same value all along) or 1 */
typedef void (*er_compare_row)(int32_t count, const void *a, int32_t a_step, const void *b,
                               int32_t b_step, uint8_t *output);
/** @return the row function, or NULL when the type cannot be compared so. */
er_compare_row er_compare_for(er_comparison op, edgert_type type);

/** output[i] = choice[i * choice_step] ? a[i * a_step] : b[i * b_step].
 * @param element_bytes 1, 2, 4 or 8 */
void er_select(int32_t count, int64_t element_bytes, const uint8_t *choice, int64_t choice_step,
               const void *a, int64_t a_step, const void *b, int64_t b_step, void *output);

/** @return whether er_cast takes the type (FLOAT32, FLOAT64, INT8..INT64, UINT8..UINT32, BOOL). */
bool er_can_cast(edgert_type type);
/** Convert elements. Floats become integers by truncation, saturating, NaN as 0; integers keep
 * their low bits; anything but 0 becomes true. */
void er_cast(int64_t count, edgert_type from, const void *input, edgert_type to, void *output);

#endif
