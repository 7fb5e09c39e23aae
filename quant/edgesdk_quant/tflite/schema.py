"""The TFLite schema as data: the tables of a file, the builtin operators and their option tables.

Source of the numbers: schema.fbs, version 3, of LiteRT 2.3; it drives both reader and writer.
A field is written `name:type` or `name:type=default`; a lone `-` is a slot that is no longer used.
Types are scalars (bool u8 i8 i32 u32 i64 u64 f32), `string`, an enum below (stored as i8), a
table, a `union` (a table whose type another field tells), or a vector in brackets of scalars or
tables.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 3
IDENTIFIER = b"TFL3"

_TENSOR_TYPE_NAMES = """
    FLOAT32 FLOAT16 INT32 UINT8 INT64 STRING BOOL INT16 COMPLEX64 INT8 FLOAT64 COMPLEX128 UINT64
    RESOURCE VARIANT UINT32 UINT16 INT4 BFLOAT16 INT2 UINT4 FLOAT8_E4M3FN FLOAT8_E5M2
"""
TENSOR_TYPES = tuple(_TENSOR_TYPE_NAMES.split())

ENUMS: dict[str, tuple[str, ...]] = {
    "TensorType": TENSOR_TYPES,
    "Padding": ("SAME", "VALID"),
    "Activation": ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT"),
    "MirrorPadMode": ("REFLECT", "SYMMETRIC"),
    "WeightsFormat": ("DEFAULT", "SHUFFLED4x16INT8"),
    "LSTMKernel": ("FULL", "BASIC"),
    "LSHProjection": ("UNKNOWN", "SPARSE", "DENSE"),
    "Combiner": ("SUM", "MEAN", "SQRTN"),
}


@dataclass(frozen=True)
class Field:
    """A field of a table.

    Attributes:
        name: schema name.
        slot: position in the vtable, 0 for the first.
        type: see the module; without the brackets of a vector.
        is_vector: a vector of `type`.
        default: what an absent scalar or enum field reads as.
    """

    name: str
    slot: int
    type: str
    is_vector: bool
    default: int | float | bool


@dataclass(frozen=True)
class OptionTable:
    """The option table of a family of operators: its number in the union and its fields."""

    number: int
    fields: tuple[Field, ...]


def _field(slot: int, text: str) -> Field:
    name, _, rest = text.partition(":")
    type_, _, default = rest.partition("=")
    bare = type_.strip("[]")
    value = default == "true" if bare == "bool" else float(default or 0)
    if bare not in ("bool", "f32"):
        value = int(value)
    return Field(name, slot, bare, type_ != bare, value)


def _fields(text: str) -> tuple[Field, ...]:
    return tuple(_field(slot, word) for slot, word in enumerate(text.split()) if word != "-")


BLOCKWISE = 2  # in the union QuantizationDetails

TABLES: dict[str, tuple[Field, ...]] = {
    "Model": _fields(
        "version:u32 operator_codes:[OperatorCode] subgraphs:[SubGraph] description:string"
        " buffers:[Buffer] - metadata:[Metadata]"
    ),
    "OperatorCode": _fields(
        "deprecated_builtin_code:i8 custom_code:string version:i32=1 builtin_code:i32"
    ),
    "SubGraph": _fields(
        "tensors:[Tensor] inputs:[i32] outputs:[i32] operators:[Operator] name:string"
    ),
    "Tensor": _fields(
        "shape:[i32] type:TensorType buffer:u32 name:string quantization:QuantizationParameters"
        " is_variable:bool sparsity:Sparsity shape_signature:[i32] has_rank:bool"
        " variant_tensors:[u8] external_buffer:u32"
    ),
    "QuantizationParameters": _fields(
        "- - scale:[f32] zero_point:[i64] details_type:u8 details:BlockwiseQuantization"
        " quantized_dimension:i32"
    ),
    "BlockwiseQuantization": _fields("scales:i32 zero_points:i32 block_size:i32"),
    "Sparsity": (),
    "Operator": _fields(
        "opcode_index:u32 inputs:[i32] outputs:[i32] builtin_options_type:u8 builtin_options:union"
        " custom_options:[u8] - - intermediates:[i32] - - builtin_options_2_type:u8"
    ),
    "Buffer": _fields("data:[u8] offset:u64 size:u64"),
    "Metadata": _fields("name:string buffer:u32"),
}

_BUILTIN_NAMES = """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE
    EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D
    LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1
    RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS
    SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
    BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE
    UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT
    LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG
    PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE
    EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD
    REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV
    REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU
    SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE
    RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
    NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM
    BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D
    IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL
    CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS
    RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE
    RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2
    UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD
    STABLEHLO_DIVIDE STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP
    STABLEHLO_CONCATENATE STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE
    STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE
    STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM STABLEHLO_NEGATE
    STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT
    STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT
    STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA
    STABLEHLO_DOT_GENERAL STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE
    STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW
    STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE
"""
BUILTIN_CODES = tuple(_BUILTIN_NAMES.split())
"""Operator names in the order of their codes."""

_OPTION_ROWS = """
1 CONV_2D: padding:Padding stride_w:i32 stride_h:i32 fused_activation_function:Activation
  dilation_w_factor:i32=1 dilation_h_factor:i32=1 quantized_bias_type:TensorType
2 DEPTHWISE_CONV_2D: padding:Padding stride_w:i32 stride_h:i32 depth_multiplier:i32
  fused_activation_function:Activation dilation_w_factor:i32=1 dilation_h_factor:i32=1
3 CONCAT_EMBEDDINGS: num_channels:i32 num_columns_per_channel:[i32]
  embedding_dim_per_channel:[i32]
4 LSH_PROJECTION: type:LSHProjection
5 AVERAGE_POOL_2D/L2_POOL_2D/MAX_POOL_2D: padding:Padding stride_w:i32 stride_h:i32
  filter_width:i32 filter_height:i32 fused_activation_function:Activation
6 SVDF: rank:i32 fused_activation_function:Activation asymmetric_quantize_inputs:bool
7 RNN: fused_activation_function:Activation asymmetric_quantize_inputs:bool
8 FULLY_CONNECTED: fused_activation_function:Activation weights_format:WeightsFormat
  keep_num_dims:bool asymmetric_quantize_inputs:bool quantized_bias_type:TensorType
9 SOFTMAX: beta:f32
10 CONCATENATION: axis:i32 fused_activation_function:Activation
11 ADD: fused_activation_function:Activation pot_scale_int16:bool=true
12 L2_NORMALIZATION: fused_activation_function:Activation
13 LOCAL_RESPONSE_NORMALIZATION: radius:i32 bias:f32 alpha:f32 beta:f32
14 LSTM: fused_activation_function:Activation cell_clip:f32 proj_clip:f32 kernel_type:LSTMKernel
  asymmetric_quantize_inputs:bool
15 RESIZE_BILINEAR: - - align_corners:bool half_pixel_centers:bool
16 CALL: subgraph:u32
17 RESHAPE: new_shape:[i32]
18 SKIP_GRAM: ngram_size:i32 max_skip_size:i32 include_all_ngrams:bool
19 SPACE_TO_DEPTH: block_size:i32
20 EMBEDDING_LOOKUP_SPARSE: combiner:Combiner
21 MUL: fused_activation_function:Activation
22 PAD:
23 GATHER: axis:i32 batch_dims:i32
24 BATCH_TO_SPACE_ND:
25 SPACE_TO_BATCH_ND:
26 TRANSPOSE:
27 MEAN/SUM/REDUCE_PROD/REDUCE_MAX/REDUCE_MIN/REDUCE_ANY/REDUCE_ALL: keep_dims:bool
28 SUB: fused_activation_function:Activation pot_scale_int16:bool=true
29 DIV: fused_activation_function:Activation
30 SQUEEZE: squeeze_dims:[i32]
31 UNIDIRECTIONAL_SEQUENCE_RNN: time_major:bool fused_activation_function:Activation
  asymmetric_quantize_inputs:bool
32 STRIDED_SLICE: begin_mask:i32 end_mask:i32 ellipsis_mask:i32 new_axis_mask:i32
  shrink_axis_mask:i32 offset:bool
33 EXP:
34 TOPK_V2:
35 SPLIT: num_splits:i32
36 LOG_SOFTMAX:
37 CAST: in_data_type:TensorType out_data_type:TensorType
38 DEQUANTIZE:
39 MAXIMUM/MINIMUM:
40 ARG_MAX: output_type:TensorType
41 LESS:
42 NEG:
43 PADV2:
44 GREATER:
45 GREATER_EQUAL:
46 LESS_EQUAL:
47 SELECT:
48 SLICE:
49 TRANSPOSE_CONV: padding:Padding stride_w:i32 stride_h:i32 fused_activation_function:Activation
  quantized_bias_type:TensorType
50 SPARSE_TO_DENSE: validate_indices:bool
51 TILE:
52 EXPAND_DIMS:
53 EQUAL:
54 NOT_EQUAL:
55 SHAPE: out_type:TensorType
56 POW:
57 ARG_MIN: output_type:TensorType
58 FAKE_QUANT: min:f32 max:f32 num_bits:i32 narrow_range:bool
59 PACK: values_count:i32 axis:i32
60 LOGICAL_OR:
61 ONE_HOT: axis:i32
62 LOGICAL_AND:
63 LOGICAL_NOT:
64 UNPACK: num:i32 axis:i32
65 FLOOR_DIV:
66 SQUARE:
67 ZEROS_LIKE:
68 FILL:
69 BIDIRECTIONAL_SEQUENCE_LSTM: fused_activation_function:Activation cell_clip:f32 proj_clip:f32
  merge_outputs:bool time_major:bool=true asymmetric_quantize_inputs:bool
70 BIDIRECTIONAL_SEQUENCE_RNN: time_major:bool fused_activation_function:Activation
  merge_outputs:bool asymmetric_quantize_inputs:bool
71 UNIDIRECTIONAL_SEQUENCE_LSTM: fused_activation_function:Activation cell_clip:f32 proj_clip:f32
  time_major:bool asymmetric_quantize_inputs:bool diagonal_recurrent_tensors:bool
72 FLOOR_MOD:
73 RANGE:
74 RESIZE_NEAREST_NEIGHBOR: align_corners:bool half_pixel_centers:bool
75 LEAKY_RELU: alpha:f32
76 SQUARED_DIFFERENCE:
77 MIRROR_PAD: mode:MirrorPadMode
78 ABS:
79 SPLIT_V: num_splits:i32
80 UNIQUE: idx_out_type:TensorType=2
81 REVERSE_V2:
82 ADD_N:
83 GATHER_ND:
84 COS:
85 WHERE:
86 RANK:
87 REVERSE_SEQUENCE: seq_dim:i32 batch_dim:i32
88 MATRIX_DIAG:
89 QUANTIZE:
90 MATRIX_SET_DIAG:
91 HARD_SWISH:
92 IF: then_subgraph_index:i32 else_subgraph_index:i32
93 WHILE: cond_subgraph_index:i32 body_subgraph_index:i32
94 DEPTH_TO_SPACE: block_size:i32
95 NON_MAX_SUPPRESSION_V4:
96 NON_MAX_SUPPRESSION_V5:
97 SCATTER_ND:
98 SELECT_V2:
99 DENSIFY:
100 SEGMENT_SUM:
101 BATCH_MATMUL: adj_x:bool adj_y:bool asymmetric_quantize_inputs:bool
102 CUMSUM: exclusive:bool reverse:bool
103 CALL_ONCE: init_subgraph_index:i32
104 BROADCAST_TO:
105 RFFT2D:
106 CONV_3D/CONV_3D_TRANSPOSE: padding:Padding stride_d:i32 stride_w:i32 stride_h:i32
  fused_activation_function:Activation dilation_d_factor:i32=1 dilation_w_factor:i32=1
  dilation_h_factor:i32=1
107 HASHTABLE: table_id:i32 key_dtype:TensorType value_dtype:TensorType
108 HASHTABLE_FIND:
109 HASHTABLE_IMPORT:
110 HASHTABLE_SIZE:
111 VAR_HANDLE: container:string shared_name:string
112 READ_VARIABLE:
113 ASSIGN_VARIABLE:
114 RANDOM_STANDARD_NORMAL/RANDOM_UNIFORM/MULTINOMIAL: seed:i64 seed2:i64
115 BUCKETIZE: boundaries:[f32]
116 GELU: approximate:bool
117 DYNAMIC_UPDATE_SLICE:
118 UNSORTED_SEGMENT_PROD:
119 UNSORTED_SEGMENT_MAX:
120 UNSORTED_SEGMENT_MIN:
121 UNSORTED_SEGMENT_SUM:
122 ATAN2:
123 SIGN:
124 BITCAST:
125 BITWISE_XOR:
126 RIGHT_SHIFT:
"""


def _option_tables(rows: str) -> dict[str, OptionTable]:
    tables: dict[str, OptionTable] = {}
    for row in rows.strip().replace("\n  ", " ").splitlines():
        head, _, fields = row.partition(":")
        number, operators = head.split()
        table = OptionTable(int(number), _fields(fields))
        tables.update(dict.fromkeys(operators.split("/"), table))
    return tables


OPTION_TABLES: dict[str, OptionTable] = _option_tables(_OPTION_ROWS)
"""Option table of each operator that has one; a row is `number operator/operator: fields`."""


def default_options(code: str) -> dict[str, int | float | bool | str | tuple[int, ...]]:
    """All options of an operator at their defaults, enums as names, vectors empty."""
    table = OPTION_TABLES.get(code)
    return {field.name: _default(field) for field in table.fields} if table else {}


def _default(field: Field) -> int | float | bool | str | tuple[int, ...]:
    if field.is_vector:
        return ()
    if field.type == "string":
        return ""
    return ENUMS[field.type][int(field.default)] if field.type in ENUMS else field.default
