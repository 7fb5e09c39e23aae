/* A heap of the k best indices, the worst of them on top; then it is emptied back to front. */
#include "scan.h"

#define TOP_K(type)                                                                     \
  static bool worse_##type(const type *row, int32_t a, int32_t b) {                     \
    return row[a] < row[b] || (!(row[b] < row[a]) && a > b);                            \
  }                                                                                     \
  static void sift_##type(const type *row, int32_t *heap, int32_t count, int32_t at) {  \
    for (;;) {                                                                          \
      int32_t worst = at;                                                               \
      for (int32_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; ++child) { \
        if (worse_##type(row, heap[child], heap[worst])) worst = child;                 \
      }                                                                                 \
      if (worst == at) return;                                                          \
      const int32_t moved = heap[at];                                                   \
      heap[at] = heap[worst];                                                           \
      heap[worst] = moved;                                                              \
      at = worst;                                                                       \
    }                                                                                   \
  }                                                                                     \
  static void top_k_##type(int64_t rows, int32_t length, int32_t k, const void *input,  \
                           void *values, int32_t *indices, int32_t *heap) {             \
    for (int64_t r = 0; r < rows; ++r) {                                                \
      const type *row = (const type *)input + r * length;                               \
      for (int32_t i = 0; i < k; ++i) heap[i] = i;                                      \
      for (int32_t i = k / 2 - 1; i >= 0; --i) sift_##type(row, heap, k, i);            \
      for (int32_t i = k; i < length; ++i) {                                            \
        if (!worse_##type(row, heap[0], i)) continue;                                   \
        heap[0] = i;                                                                    \
        sift_##type(row, heap, k, 0);                                                   \
      }                                                                                 \
      for (int32_t i = k - 1; i >= 0; --i) {                                            \
        indices[r * k + i] = heap[0];                                                   \
        ((type *)values)[r * k + i] = row[heap[0]];                                     \
        heap[0] = heap[i];                                                              \
        sift_##type(row, heap, i, 0);                                                   \
      }                                                                                 \
    }                                                                                   \
  }

TOP_K(float)
TOP_K(int8_t)
TOP_K(uint8_t)
TOP_K(int16_t)
TOP_K(int32_t)
TOP_K(int64_t)

er_top_k er_top_k_for(edgert_type type) {
  switch (type) {
    case EDGERT_FLOAT32:
      return top_k_float;
    case EDGERT_INT8:
      return top_k_int8_t;
    case EDGERT_UINT8:
      return top_k_uint8_t;
    case EDGERT_INT16:
      return top_k_int16_t;
    case EDGERT_INT32:
      return top_k_int32_t;
    case EDGERT_INT64:
      return top_k_int64_t;
    default:
      return NULL;
  }
}
