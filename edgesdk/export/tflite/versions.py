"""The lowest version of each TFLite operator that has what is used, so that old runtimes load it.

From the version history in TensorFlow Lite's op registry, as documented for each operator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgesdk_quant.tflite.model import OptionValue

# Operator -> versions that first took int8 and int16 activations.
INTEGER: dict[str, tuple[int, int]] = {
    "CONV_2D": (3, 4),
    "DEPTHWISE_CONV_2D": (3, 5),
    "FULLY_CONNECTED": (4, 7),
    "TRANSPOSE_CONV": (3, 3),
    "BATCH_MATMUL": (2, 3),
    "ADD": (2, 4),
    "SUB": (2, 5),
    "MUL": (2, 4),
    "AVERAGE_POOL_2D": (2, 3),
    "MAX_POOL_2D": (2, 3),
    "SOFTMAX": (2, 3),
    "LOG_SOFTMAX": (2, 2),
    "LOGISTIC": (2, 3),
    "TANH": (2, 3),
    "CONCATENATION": (2, 3),
    "PAD": (2, 3),
    "PADV2": (2, 3),
    "MEAN": (2, 3),
    "DEQUANTIZE": (2, 3),
    "TRANSPOSE": (2, 4),
    "SPLIT": (2, 4),
    "STRIDED_SLICE": (2, 4),
    "SLICE": (2, 4),
    "GATHER": (2, 4),
    "RELU": (2, 3),
    "RELU6": (2, 3),
    "LEAKY_RELU": (2, 2),
    "MAXIMUM": (2, 3),
    "MINIMUM": (2, 3),
    "RESIZE_BILINEAR": (2, 3),
    "RESIZE_NEAREST_NEIGHBOR": (2, 3),
    "SPACE_TO_DEPTH": (2, 2),
    "DEPTH_TO_SPACE": (2, 2),
    "PACK": (2, 3),
    "GELU": (2, 2),
    "REDUCE_MAX": (2, 3),
    "REDUCE_MIN": (2, 3),
    "ABS": (2, 3),
    "EXP": (2, 2),
    "TILE": (3, 3),
    "BROADCAST_TO": (2, 3),
}
# Operator -> version that first took int4 weights.
INT4_WEIGHTS = {"CONV_2D": 7, "DEPTHWISE_CONV_2D": 7, "FULLY_CONNECTED": 10, "DEQUANTIZE": 6}
# Operators whose first version no runtime of today has.
FIRST = {"BROADCAST_TO": 2}
HALF_PIXEL = {"RESIZE_BILINEAR": 3, "RESIZE_NEAREST_NEIGHBOR": 3}


def _transpose_conv(operands: int, options: Mapping[str, OptionValue]) -> int:
    """2 takes int8, 3 a bias (we always write one), 4 a fused activation."""
    if options.get("fused_activation_function", "NONE") != "NONE":
        return 4
    return 3 if operands > 3 else 2


def version_of(code: str, kinds: Sequence[str], options: Mapping[str, OptionValue]) -> int:
    """Version of an operator.

    Args:
        code: builtin name.
        kinds: types of its inputs, the first one first.
        options: its options.
    """
    version = FIRST.get(code, 1)
    first = kinds[1] if code == "SPLIT" and len(kinds) > 1 else kinds[0] if kinds else ""
    if code in INTEGER and first in ("INT8", "INT16"):
        version = INTEGER[code][first == "INT16"]
    if "INT4" in kinds and code in INT4_WEIGHTS:
        version = INT4_WEIGHTS[code]
    if code == "FULLY_CONNECTED" and first == "FLOAT32" and {"INT4", "INT8"} & set(kinds):
        version = 12  # weights in blocks, or a scale for each unit
    if code == "EMBEDDING_LOOKUP" and kinds[1] in ("INT8", "INT4"):
        version = 4  # a scale for each row or block
    if options.get("half_pixel_centers"):
        version = max(version, HALF_PIXEL[code])
    dilated = (options.get("dilation_h_factor", 1), options.get("dilation_w_factor", 1)) != (1, 1)
    if code == "DEPTHWISE_CONV_2D" and dilated:
        version = max(version, 2)
    if options.get("keep_num_dims"):
        version = max(version, 5)
    if code == "TRANSPOSE_CONV":
        version = _transpose_conv(len(kinds), options)
    if code == "QUANTIZE" and first in ("INT8", "UINT8", "INT16"):
        version = 2
    return version
