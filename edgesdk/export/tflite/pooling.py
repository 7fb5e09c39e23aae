"""MaxPool, AveragePool and GlobalMaxPool over one or two spatial dimensions."""

from __future__ import annotations

from dataclasses import replace

import onnx_ir as ir

from edgesdk.export.tflite.images import as_image, emit_image
from edgesdk.export.tflite.padding import lowest, pad_spatially
from edgesdk.export.tflite.scope import Scope
from edgesdk.export.tflite.tensors import static_shape
from edgesdk.export.windows import window_of
from edgesdk_runtimes.errors import UnsupportedError


def lower_max_pool(scope: Scope, node: ir.Node) -> None:
    """MaxPool; a border that is neither SAME nor VALID gets the lowest value."""
    if len(node.outputs) > 1 and (node.outputs[1].uses() or node.outputs[1].is_graph_output()):
        raise UnsupportedError("the indices of the maxima are used")
    _emit_pool(scope, node, "MAX_POOL_2D")


def lower_average_pool(scope: Scope, node: ir.Node) -> None:
    """AveragePool; a border that counts is written as a PAD in front."""
    _emit_pool(scope, node, "AVERAGE_POOL_2D")


def lower_global_max_pool(scope: Scope, node: ir.Node) -> None:
    """GlobalMaxPool: one window as large as the image."""
    _emit_pool(scope, node, "MAX_POOL_2D", whole=True)


def _emit_pool(scope: Scope, node: ir.Node, code: str, *, whole: bool = False) -> None:
    value = node.inputs[0]
    shape = static_shape(value)
    if value is None or len(shape) not in (3, 4):
        raise UnsupportedError(f"{len(shape) - 2} spatial dimensions; 1 and 2 are possible")
    integer = scope.keeps_scale(node, [value])
    kernel = shape[2:] if whole else tuple(node.attributes.get_ints("kernel_shape", []))
    declared = window_of(node, shape[2:], kernel)
    if any(d != 1 for d in declared.dilations):
        raise UnsupportedError("dilation")
    window = declared.reaching(static_shape(node.outputs[0])[2:])
    include = bool(node.attributes.get_int("count_include_pad", 0))
    counted = code == "AVERAGE_POOL_2D" and include
    padding = "" if counted and any(map(any, declared.pads)) else window.padding_name()
    if len(shape) == 3:
        window = replace(
            window,
            kernel=(1, *window.kernel),
            strides=(1, *window.strides),
            pads=((0, 0), *window.pads),
        )
    tensor = as_image(scope, value, integer=integer)
    if not padding:
        fill = lowest(scope, tensor) if code == "MAX_POOL_2D" else None
        tensor, padding = pad_spatially(scope, tensor, window.pads, fill), "VALID"
    options: dict[str, int | str] = {
        "padding": padding,
        "stride_h": window.strides[0],
        "stride_w": window.strides[1],
        "filter_height": window.kernel[0],
        "filter_width": window.kernel[1],
        "fused_activation_function": "NONE",
    }
    emit_image(scope, code, [tensor], node.outputs[0], options, integer=integer)


LOWERINGS = {
    "AveragePool": lower_average_pool,
    "GlobalMaxPool": lower_global_max_pool,
    "MaxPool": lower_max_pool,
}
