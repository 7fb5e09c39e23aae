/* Tensors: shape, type, quantization and constant data. */
#include <math.h>
#include <string.h>

#include "op.h"
#include "schema.h"
#include "verify.h"

/* Every sentence about a tensor starts with which one it is. */
static edgert_status refuse(er_verifier *verifier, edgert_status status, int32_t number,
                            const er_tensor *tensor) {
  return er_say(verifier->why, status, "tensor %d \"%.80s\" of subgraph %d ", number, tensor->name,
                verifier->subgraph);
}

#define REFUSE(status, ...)                   \
  do {                                        \
    refuse(verifier, status, number, tensor); \
    er_say_more(verifier->why, __VA_ARGS__);  \
    return status;                            \
  } while (0)

/* A shape may hold zeros here (unused tensors do); the planner refuses those that are used. */
static edgert_status verify_shape(er_verifier *verifier, er_table table, int32_t number,
                                  er_tensor *tensor) {
  er_vector shape = er_vec(table, ER_TENSOR_SHAPE, sizeof(int32_t));
  if (shape.count > EDGERT_MAX_RANK) {
    REFUSE(EDGERT_MALFORMED, "has %u dimensions; at most %d are allowed", shape.count,
           EDGERT_MAX_RANK);
  }
  tensor->rank = (int32_t)shape.count;
  tensor->count = 1;
  for (uint32_t i = 0; i < shape.count; i++) {
    int32_t dim = er_vec_i32(shape, i);
    if (dim < 0) REFUSE(EDGERT_MALFORMED, "has size %d in dimension %u", dim, i);
    tensor->dims[i] = dim;
    if (dim && tensor->count > INT32_MAX / dim) {
      REFUSE(EDGERT_MALFORMED, "has over 2^31 elements");
    }
    tensor->count *= dim;
  }
  return EDGERT_OK;
}

static edgert_status verify_type(er_verifier *verifier, er_table table, int32_t number,
                                 er_tensor *tensor) {
  int32_t type = er_i8(table, ER_TENSOR_TYPE, 0);
  tensor->type = (edgert_type)type;
  int32_t bits = er_type_bits(type);
  uint64_t bytes = ((uint64_t)tensor->count * (uint64_t)bits + 7) / 8;
  if (bytes > SIZE_MAX / 2) REFUSE(EDGERT_MALFORMED, "has more bytes than this machine addresses");
  tensor->bytes = (size_t)bytes;
  return EDGERT_OK;
}

/* ---- quantization ---------------------------------------------------------------------------- */

static bool is_float(edgert_type type) {
  return type == EDGERT_FLOAT32 || type == EDGERT_FLOAT16 || type == EDGERT_FLOAT64;
}

static void zero_point_range(edgert_type type, int64_t *low, int64_t *high) {
  int32_t bits = er_type_bits(type) < 32 ? er_type_bits(type) : 32;
  bool is_unsigned = type == EDGERT_UINT8 || type == EDGERT_UINT16 || type == EDGERT_UINT32;
  *low = is_unsigned ? 0 : -((int64_t)1 << (bits - 1));
  *high = is_unsigned ? ((int64_t)1 << bits) - 1 : ((int64_t)1 << (bits - 1)) - 1;
}

static edgert_status verify_scales(er_verifier *verifier, er_vector scales, int32_t number,
                                   er_tensor *tensor) {
  float *copy = er_verify_take(verifier, scales.count, sizeof *copy);
  if (!copy) return er_verify_refused(verifier);
  for (uint32_t i = 0; i < scales.count; i++) {
    copy[i] = er_vec_f32(scales, i);
    if (!isnormal(copy[i]) || copy[i] < 0) {
      REFUSE(EDGERT_MALFORMED,
             "has scale %g for channel %u; it must be positive, finite and normal", (double)copy[i],
             i);
    }
  }
  tensor->quant.scale = copy;
  return EDGERT_OK;
}

/* Zero points may be left out (all zero) or stand once for all channels. */
static edgert_status verify_zero_points(er_verifier *verifier, er_vector zeros, int32_t number,
                                        er_tensor *tensor) {
  int32_t count = tensor->quant.count;
  if (zeros.count > 1 && zeros.count != (uint32_t)count) {
    REFUSE(EDGERT_MALFORMED, "has %u zero points for %d scales", zeros.count, count);
  }
  int32_t *copy = er_verify_take(verifier, (uint64_t)count, sizeof *copy);
  if (!copy) return er_verify_refused(verifier);
  int64_t low, high;
  zero_point_range(tensor->type, &low, &high);
  for (int32_t i = 0; i < count && zeros.count; i++) {
    int64_t zero = er_vec_i64(zeros, zeros.count == 1 ? 0 : (uint32_t)i);
    if (zero < low || zero > high) {
      REFUSE(EDGERT_MALFORMED, "has zero point %lld; its type %s allows %lld to %lld",
             (long long)zero, er_type_name(tensor->type), (long long)low, (long long)high);
    }
    copy[i] = (int32_t)zero;
  }
  tensor->quant.zero_point = copy;
  return EDGERT_OK;
}

static edgert_status verify_axis(er_verifier *verifier, er_table table, int32_t number,
                                 er_tensor *tensor) {
  int32_t axis = er_i32(table, ER_QUANT_AXIS, 0);
  if (tensor->quant.count == 1) return EDGERT_OK;
  if (axis < 0 || axis >= tensor->rank) {
    REFUSE(EDGERT_MALFORMED, "is quantized along dimension %d of %d", axis, tensor->rank);
  }
  if (tensor->dims[axis] != tensor->quant.count) {
    REFUSE(EDGERT_MALFORMED, "has %d scales for the %d channels of dimension %d",
           tensor->quant.count, tensor->dims[axis], axis);
  }
  tensor->quant.axis = axis;
  return EDGERT_OK;
}

/* Blocks along the last dimension; their scales are a tensor. Zero points are known as 0 only. */
static edgert_status verify_blocks(er_verifier *verifier, er_table quantization, int32_t number,
                                   er_tensor *tensor) {
  const er_table blocks = er_sub(quantization, ER_QUANT_DETAILS);
  const int32_t size = er_i32(blocks, ER_BLOCKS_SIZE, 0);
  const int32_t scales = er_i32(blocks, ER_BLOCKS_SCALES, 0);
  ER_TRY(er_verify_reads(verifier));
  if (size < 1 || tensor->rank < 1 || tensor->dims[tensor->rank - 1] % size != 0) {
    REFUSE(EDGERT_MALFORMED, "is quantized by blocks of %d, which its last dimension does not hold",
           size);
  }
  if (scales < 0 || scales >= verifier->tensor_count) {
    REFUSE(EDGERT_MALFORMED, "has its scales in tensor %d; there are %d", scales,
           verifier->tensor_count);
  }
  if (er_i32(blocks, ER_BLOCKS_ZERO_POINTS, 0) > 0) {
    REFUSE(EDGERT_UNSUPPORTED, "has blocks with zero points; only symmetric ones are known");
  }
  tensor->quant.block = size;
  tensor->quant.block_scales = scales;
  return EDGERT_OK;
}

static edgert_status verify_quantization(er_verifier *verifier, er_table table, int32_t number,
                                         er_tensor *tensor) {
  er_table quantization = er_sub(table, ER_TENSOR_QUANTIZATION);
  if (er_u8(quantization, ER_QUANT_DETAILS_TYPE, 0) == ER_DETAILS_BLOCKWISE) {
    return verify_blocks(verifier, quantization, number, tensor);
  }
  er_vector scales = er_vec(quantization, ER_QUANT_SCALE, sizeof(float));
  er_vector zeros = er_vec(quantization, ER_QUANT_ZERO_POINT, sizeof(int64_t));
  ER_TRY(er_verify_reads(verifier));
  /* Converters leave the ranges of a float tensor behind; they mean nothing when it runs. */
  if (is_float(tensor->type) || er_type_bits((int32_t)tensor->type) == 0) return EDGERT_OK;
  if (scales.count == 0 && zeros.count == 0) return EDGERT_OK;
  if (scales.count == 0) REFUSE(EDGERT_MALFORMED, "has a zero point but no scale");
  tensor->quant.count = (int32_t)scales.count;
  ER_TRY(verify_axis(verifier, quantization, number, tensor));
  ER_TRY(verify_scales(verifier, scales, number, tensor));
  return verify_zero_points(verifier, zeros, number, tensor);
}

/* ---- constant data --------------------------------------------------------------------------- */

typedef struct bytes_of_buffer {
  const uint8_t *data; /* [bytes], NULL when the buffer is empty */
  uint64_t bytes;
} bytes_of_buffer;

/* In files over 2 GB the bytes stand behind the tables, at an offset from the start of the file. */
static edgert_status find_bytes(er_verifier *verifier, er_table buffer, int32_t number,
                                const er_tensor *tensor, bytes_of_buffer *found) {
  const er_buffer *file = &verifier->model->file;
  er_vector data = er_vec(buffer, ER_BUFFER_DATA, 1);
  uint64_t offset = er_u64(buffer, ER_BUFFER_OFFSET, 0);
  uint64_t bytes = er_u64(buffer, ER_BUFFER_SIZE, 0);
  ER_TRY(er_verify_reads(verifier));
  *found = (bytes_of_buffer){NULL, 0};
  if (data.count) {
    *found = (bytes_of_buffer){file->data + data.at, data.count};
  } else if (offset > 1) {
    if (offset > file->bytes || bytes > file->bytes - offset) {
      REFUSE(EDGERT_MALFORMED, "has its data at %llu, %llu bytes, beyond the file's %zu",
             (unsigned long long)offset, (unsigned long long)bytes, file->bytes);
    }
    if (bytes) *found = (bytes_of_buffer){file->data + offset, bytes};
  }
  return EDGERT_OK;
}

/* Kernels load whole elements, so a constant that does not stand on a multiple of its element's
 * size is copied to where it does. */
static edgert_status align(er_verifier *verifier, const uint8_t *data, er_tensor *tensor) {
  size_t element = (size_t)er_type_bits(tensor->type) / 8;
  tensor->constant = data;
  if (element < 2 || (uintptr_t)data % element == 0) return EDGERT_OK;
  void *copy = er_verify_take(verifier, tensor->bytes, 1);
  if (!copy) return er_verify_refused(verifier);
  tensor->constant = memcpy(copy, data, tensor->bytes);
  return EDGERT_OK;
}

static edgert_status verify_data(er_verifier *verifier, er_table table, int32_t number,
                                 er_tensor *tensor) {
  uint32_t index = er_u32(table, ER_TENSOR_BUFFER, 0);
  if (index == 0 && verifier->buffers.count == 0) return EDGERT_OK;
  if (index >= verifier->buffers.count && !verifier->model->file.bad) {
    REFUSE(EDGERT_MALFORMED, "is in buffer %u, but there are %u buffers", index,
           verifier->buffers.count);
  }
  bytes_of_buffer found;
  ER_TRY(find_bytes(verifier, er_vec_table(verifier->buffers, index), number, tensor, &found));
  if (!found.data || er_type_bits(tensor->type) == 0) return EDGERT_OK;
  if (found.bytes != tensor->bytes) {
    REFUSE(EDGERT_MALFORMED, "has %llu bytes of data; its shape and type %s make %zu",
           (unsigned long long)found.bytes, er_type_name(tensor->type), tensor->bytes);
  }
  if (tensor->variable) REFUSE(EDGERT_MALFORMED, "is both a variable and a constant");
  return align(verifier, found.data, tensor);
}

static edgert_status verify_storage_kind(er_verifier *verifier, er_table table, int32_t number,
                                         const er_tensor *tensor) {
  if (er_has(table, ER_TENSOR_SPARSITY)) {
    REFUSE(EDGERT_UNSUPPORTED, "is sparse; only dense tensors are known");
  }
  if (er_u32(table, ER_TENSOR_EXTERNAL, 0)) {
    REFUSE(EDGERT_UNSUPPORTED, "has its data in another file; put it into the model");
  }
  return EDGERT_OK;
}

edgert_status er_verify_tensor(er_verifier *verifier, er_table table, int32_t number,
                               er_tensor *tensor) {
  tensor->name = er_string(table, ER_TENSOR_NAME);
  tensor->variable = er_bool(table, ER_TENSOR_VARIABLE, false);
  ER_TRY(er_verify_reads(verifier));
  ER_TRY(verify_storage_kind(verifier, table, number, tensor));
  ER_TRY(verify_shape(verifier, table, number, tensor));
  ER_TRY(verify_type(verifier, table, number, tensor));
  ER_TRY(verify_quantization(verifier, table, number, tensor));
  ER_TRY(verify_data(verifier, table, number, tensor));
  return er_verify_reads(verifier);
}
