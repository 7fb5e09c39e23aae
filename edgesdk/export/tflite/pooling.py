"""MaxPool, AveragePool and GlobalMaxPool over two spatial dimensions."""

from __future__ import annotations

import math

import onnx_ir as ir

from edgesdk.export.tflite.padding import onnx_pads, pad_spatially, padding_name
from edgesdk.export.tflite.scope import Scope, activation_name, channels_last, origin
from edgesdk.export.tflite.tensors import static_shape
from edgesdk_runtimes.errors import UnsupportedError


def lower_max_pool(scope: Scope, node: ir.Node) -> None:
    """MaxPool; the border never wins, so its pads must be SAME or VALID."""
    if len(node.outputs) > 1 and node.outputs[1].uses():
        raise UnsupportedError("the indices of the maxima are used")
    _emit_pool(scope, node, "MAX_POOL_2D")


def lower_average_pool(scope: Scope, node: ir.Node) -> None:
    """AveragePool; pads that count are written as a PAD in front."""
    _emit_pool(scope, node, "AVERAGE_POOL_2D")


def lower_global_max_pool(scope: Scope, node: ir.Node) -> None:
    """GlobalMaxPool: one window as large as the image."""
    _emit_pool(scope, node, "MAX_POOL_2D", whole=True)


def _emit_pool(scope: Scope, node: ir.Node, code: str, *, whole: bool = False) -> None:
    value = node.inputs[0]
    if value is None or len(static_shape(value)) != 4:
        raise UnsupportedError("other than two spatial dimensions")
    integer = scope.is_quantized(value) and scope.quantizer(node.outputs[0]) is not None
    sizes = static_shape(value)[2:]
    kernel = sizes if whole else tuple(node.attributes.get_ints("kernel_shape", []))
    strides = tuple(node.attributes.get_ints("strides", [1, 1]))
    dilations = tuple(node.attributes.get_ints("dilations", [1, 1]))
    if any(d != 1 for d in dilations):
        raise UnsupportedError("dilation")
    tensor = scope.tensor(value, channels_last(4), integer=integer)
    pads = onnx_pads(node, sizes, kernel, strides, dilations)
    counted = bool(node.attributes.get_int("count_include_pad", 0)) and any(map(any, pads))
    padding = padding_name(pads, sizes, kernel, strides, dilations)
    if node.attributes.get_int("ceil_mode", 0):
        padding = _ceil_padding(node, sizes, kernel, strides, padding)
    if code == "AVERAGE_POOL_2D" and counted:
        tensor, padding = pad_spatially(scope, tensor, pads), "VALID"
    if not padding:
        if code == "AVERAGE_POOL_2D" or not _after_relu(scope, value):
            raise UnsupportedError(f"pads {pads} that are neither SAME nor VALID")
        tensor, padding = pad_spatially(scope, tensor, pads), "VALID"
    result = scope.result(node.outputs[0], channels_last(4), integer=integer)
    scope.out.emit(
        code,
        [tensor],
        [result],
        padding=padding,
        stride_h=strides[0],
        stride_w=strides[1],
        filter_height=kernel[0],
        filter_width=kernel[1],
        fused_activation_function="NONE",
    )


def _ceil_padding(
    node: ir.Node,
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    padding: str,
) -> str:
    """Rounding up is VALID where windows fit, and SAME where that has as many outputs."""
    output = static_shape(node.outputs[0])[2:]
    floor = tuple((i - k) // s + 1 for i, k, s in zip(sizes, kernel, strides, strict=True))
    if padding == "VALID" and output == floor:
        return "VALID"
    if padding == "VALID" and all(
        o == math.ceil(i / s) and (o - 1) * s + k - i <= 1
        for i, k, s, o in zip(sizes, kernel, strides, output, strict=True)
    ):
        return "SAME"
    raise UnsupportedError("ceil_mode")


def _after_relu(scope: Scope, value: ir.Value) -> bool:
    """Whether the value is never negative, so that a border of zeros does not change a maximum."""
    producer = origin(value).producer()
    return producer is not None and activation_name(producer) in ("RELU", "RELU6")


LOWERINGS = {
    "AveragePool": lower_average_pool,
    "GlobalMaxPool": lower_global_max_pool,
    "MaxPool": lower_max_pool,
}
