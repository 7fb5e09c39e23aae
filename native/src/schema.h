/* The TFLite schema as numbers: which field has which slot, what types and operators are called. */
#ifndef ER_SCHEMA_H
#define ER_SCHEMA_H

#include <stdint.h>

enum { ER_SCHEMA_VERSION = 3, ER_BUILTIN_CUSTOM = 32 };

enum {
  ER_MODEL_VERSION,
  ER_MODEL_CODES,
  ER_MODEL_SUBGRAPHS,
  ER_MODEL_BUFFERS = 4,
  ER_MODEL_METADATA = 6
};
enum { ER_CODE_DEPRECATED, ER_CODE_CUSTOM, ER_CODE_VERSION, ER_CODE_BUILTIN };
enum {
  ER_SUBGRAPH_TENSORS,
  ER_SUBGRAPH_INPUTS,
  ER_SUBGRAPH_OUTPUTS,
  ER_SUBGRAPH_OPERATORS,
  ER_SUBGRAPH_NAME
};
enum {
  ER_TENSOR_SHAPE,
  ER_TENSOR_TYPE,
  ER_TENSOR_BUFFER,
  ER_TENSOR_NAME,
  ER_TENSOR_QUANTIZATION,
  ER_TENSOR_VARIABLE,
  ER_TENSOR_SPARSITY,
  ER_TENSOR_EXTERNAL = 10
};
enum {
  ER_QUANT_SCALE = 2,
  ER_QUANT_ZERO_POINT,
  ER_QUANT_DETAILS_TYPE,
  ER_QUANT_DETAILS,
  ER_QUANT_AXIS,
  /* BlockwiseQuantization */
  ER_BLOCKS_SCALES = 0,
  ER_BLOCKS_ZERO_POINTS,
  ER_BLOCKS_SIZE
};
enum { ER_DETAILS_BLOCKWISE = 2 };
enum { ER_BUFFER_DATA, ER_BUFFER_OFFSET, ER_BUFFER_SIZE };
enum {
  ER_OPERATOR_CODE,
  ER_OPERATOR_INPUTS,
  ER_OPERATOR_OUTPUTS,
  ER_OPERATOR_OPTIONS_TYPE,
  ER_OPERATOR_OPTIONS,
  ER_OPERATOR_INTERMEDIATES = 8
};
enum { ER_METADATA_NAME, ER_METADATA_BUFFER };

/** @return bits of one element; 0 for a type that is not a plain array or not known. */
int32_t er_type_bits(int32_t type);
const char *er_type_name(int32_t type);
/** @return e.g. "CONV_2D"; NULL for a code that this schema does not have. */
const char *er_builtin_name(int32_t builtin);
/** @return the BuiltinOptions type that the operator carries; 0 for none. */
uint8_t er_builtin_options(int32_t builtin);

#endif
