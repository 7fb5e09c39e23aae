"""Resize -> RESIZE_BILINEAR or RESIZE_NEAREST_NEIGHBOR, where the sampling grids coincide."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk.export.tflite.scope import Scope, channels_last
from edgesdk.export.tflite.tensors import static_shape
from edgesdk_runtimes.errors import UnsupportedError

# ONNX coordinate transformation -> (align_corners, half_pixel_centers).
GRIDS = {
    "asymmetric": (False, False),
    "half_pixel": (False, True),
    "pytorch_half_pixel": (False, True),
    "align_corners": (True, False),
}


def lower_resize(scope: Scope, node: ir.Node) -> None:
    """Resize of the spatial dimensions of an image."""
    value = node.inputs[0]
    if value is None or len(static_shape(value)) != 4:
        raise UnsupportedError("other than an image of two spatial dimensions")
    mode = node.attributes.get_string("mode", "nearest")
    grid = node.attributes.get_string("coordinate_transformation_mode", "half_pixel")
    if grid not in GRIDS or mode not in ("nearest", "linear"):
        raise UnsupportedError(f"mode {mode} with {grid} coordinates")
    before, after = static_shape(value), static_shape(node.outputs[0])
    if before[:2] != after[:2]:
        raise UnsupportedError("another batch size or number of channels")
    corners, half = GRIDS[grid]
    if mode == "nearest":
        corners, half = _nearest_grid(node, grid, before[2:], after[2:])
    integer = scope.is_quantized(value) and scope.quantizer(node.outputs[0]) is not None
    tensor = scope.tensor(value, channels_last(4), integer=integer)
    size = scope.out.constant(f"{node.name}_size", np.array(after[2:], np.int32))
    result = scope.result(node.outputs[0], channels_last(4), integer=integer)
    code = "RESIZE_NEAREST_NEIGHBOR" if mode == "nearest" else "RESIZE_BILINEAR"
    scope.out.emit(code, [tensor, size], [result], align_corners=corners, half_pixel_centers=half)


def _nearest_grid(
    node: ir.Node, grid: str, before: tuple[int, ...], after: tuple[int, ...]
) -> tuple[bool, bool]:
    """TFLite rounds down; whole factors make that agree with ONNX's rounding modes."""
    rounding = node.attributes.get_string("nearest_mode", "round_prefer_floor")
    whole = all(big % small == 0 for small, big in zip(before, after, strict=True))
    if grid == "asymmetric" and rounding == "floor":
        return False, False
    if grid in ("half_pixel", "pytorch_half_pixel") and rounding == "round_prefer_floor" and whole:
        return False, True
    if grid == "half_pixel" and rounding == "round_prefer_ceil":
        return False, True
    raise UnsupportedError(f"nearest with {grid} coordinates and rounding {rounding}")


LOWERINGS = {"Resize": lower_resize, "Upsample": lower_resize}
