"""Resize -> RESIZE_BILINEAR or RESIZE_NEAREST_NEIGHBOR where TFLite samples as ONNX does.

Elsewhere each dimension is resized by itself, which is exact for every mode of ONNX: nearest picks
rows (GATHER), the others multiply by a constant matrix of interpolation weights (BATCH_MATMUL).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgesdk.export.resampling import Axis, Sampling, nearest_rows, outside, weights
from edgesdk.export.tflite.scope import Scope, channels_last
from edgesdk.export.tflite.tensors import Place, static_shape
from edgesdk_quant.graph import constant
from edgesdk_quant.graph.rewrite import input_at
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

# ONNX coordinate transformation -> (align_corners, half_pixel_centers).
GRIDS = {
    "asymmetric": (False, False),
    "half_pixel": (False, True),
    "pytorch_half_pixel": (False, True),
    "align_corners": (True, False),
}


def lower_resize(scope: Scope, node: ir.Node) -> None:
    """Resize of any dimensions in any mode."""
    value = node.inputs[0]
    if value is None:
        raise UnsupportedError("it has no input")
    sampling, axes = _sampling(node), _axes(node)
    grid = _grid(sampling, axes)
    if grid is None:
        _axis_by_axis(scope, node, value, sampling, axes)
        return
    integer = scope.keeps_scale(node, [value])
    tensor = scope.tensor(value, channels_last(4), integer=integer)
    sizes = np.array([axis.after for axis in axes[2:]], np.int32)
    size = scope.out.constant(f"{node.name}_size", sizes)
    result = scope.result(node.outputs[0], channels_last(4), integer=integer)
    code = "RESIZE_NEAREST_NEIGHBOR" if sampling.mode == "nearest" else "RESIZE_BILINEAR"
    corners, half = grid
    scope.out.emit(code, [tensor, size], [result], align_corners=corners, half_pixel_centers=half)


def _sampling(node: ir.Node) -> Sampling:
    get = node.attributes
    return Sampling(
        mode=get.get_string("mode", "nearest"),
        coordinates=get.get_string("coordinate_transformation_mode", "half_pixel"),
        rounding=get.get_string("nearest_mode", "round_prefer_floor"),
        cubic=get.get_float("cubic_coeff_a", -0.75),
        exclude_outside=bool(get.get_int("exclude_outside", 0)),
        antialias=bool(get.get_int("antialias", 0)),
        extrapolation=get.get_float("extrapolation_value", 0.0),
    )


def _axes(node: ir.Node) -> list[Axis]:
    """Every dimension of the operand, resized or not."""
    before, after = static_shape(node.inputs[0]), static_shape(node.outputs[0])
    rank = len(before)
    chosen = [axis % rank for axis in node.attributes.get_ints("axes", list(range(rank)))]
    given = _numbers(node, 2)
    scales = [a / b for a, b in zip(after, before, strict=True)]
    policy = node.attributes.get_string("keep_aspect_ratio_policy", "stretch")
    sizes = _numbers(node, 3)
    if policy != "stretch" and sizes is not None:
        ratios = [size / before[axis] for axis, size in zip(chosen, sizes, strict=True)]
        given = np.full(len(chosen), min(ratios) if policy == "not_larger" else max(ratios))
    for axis, scale in zip(chosen, given if given is not None else (), strict=False):
        scales[axis] = float(scale)
    region = _numbers(node, 1)
    regions = [(0.0, 1.0)] * rank
    if (
        region is not None
        and node.attributes.get_string("coordinate_transformation_mode", "") == "tf_crop_and_resize"
    ):
        for axis, bounds in zip(chosen, region.reshape(2, -1).T, strict=True):
            regions[axis] = (float(bounds[0]), float(bounds[1]))
    rows = zip(before, after, scales, regions, strict=True)
    return [Axis(b, a, s, r) for b, a, s, r in rows]


def _numbers(node: ir.Node, index: int) -> Array | None:
    value = input_at(node, index)
    array = constant(value)
    if value is not None and array is None:
        raise UnsupportedError("its sizes are computed at run time")
    return None if array is None or not array.size else array.ravel()


def _grid(sampling: Sampling, axes: Sequence[Axis]) -> tuple[bool, bool] | None:
    """(align_corners, half_pixel_centers) with which TFLite does just this; None without."""
    image = len(axes) == 4 and not any(axis.changes for axis in axes[:2])
    if not image or sampling.mode not in ("nearest", "linear") or sampling.antialias:
        return None
    if sampling.mode == "nearest":
        return next((grid for grid in _NEAREST if _picks(grid, sampling, axes)), None)
    if any(axis.after == 1 for axis in axes[2:]) and sampling.coordinates != "asymmetric":
        return None  # ONNX has special rules there
    exact = all(axis.scale * axis.before == axis.after for axis in axes[2:])
    return GRIDS.get(sampling.coordinates) if exact else None


_NEAREST = ((False, False), (False, True), (True, False))


def _picks(grid: tuple[bool, bool], sampling: Sampling, axes: Sequence[Axis]) -> bool:
    """Whether RESIZE_NEAREST_NEIGHBOR picks the rows that ONNX picks."""
    if sampling.coordinates == "tf_crop_and_resize":
        return False
    return all(
        np.array_equal(_tflite_rows(axis, *grid), nearest_rows(axis, sampling)) for axis in axes[2:]
    )


def _tflite_rows(axis: Axis, corners: bool, half: bool) -> Array:
    """Rows by TFLite's rule (`GetNearestNeighbor`), in float32 as there."""
    places = np.arange(axis.after, dtype=np.float32)
    span = corners and axis.after > 1
    scale = np.float32((axis.before - 1) if span else axis.before) / np.float32(
        (axis.after - 1) if span else axis.after
    )
    real = (places + np.float32(0.5 if half else 0.0)) * scale
    rows = np.floor(real + 0.5) if corners else np.floor(real)
    return np.asarray(np.clip(rows, 0, axis.before - 1), np.int64)


def _axis_by_axis(
    scope: Scope, node: ir.Node, value: ir.Value, sampling: Sampling, axes: Sequence[Axis]
) -> None:
    nearest = sampling.mode == "nearest" and sampling.coordinates != "tf_crop_and_resize"
    integer = nearest and scope.keeps_scale(node, [value])
    place = scope.place(value, integer=integer)
    order, tensor = place.permutation, place.tensor
    changed = [i for i, dim in enumerate(order) if axes[dim].changes]
    # Shrink first: the later dimensions then have less to do.
    for position in sorted(changed, key=lambda i: axes[order[i]].after / axes[order[i]].before):
        axis = axes[order[position]]
        if nearest:
            tensor = _picked(scope, tensor, position, nearest_rows(axis, sampling))
        else:
            tensor = _mixed(scope, tensor, position, weights(axis, sampling))
    if sampling.coordinates == "tf_crop_and_resize" and sampling.extrapolation:
        border = outside([axes[dim] for dim in order], sampling)
        tensor = _plus(scope, tensor, border)
    if tensor == place.tensor:
        scope.alias(node.outputs[0], place, integer=integer)
        return
    _finish(scope, node, tensor, order, integer=integer)


def _finish(
    scope: Scope, node: ir.Node, tensor: int, order: tuple[int, ...], *, integer: bool
) -> None:
    """The last tensor is the result."""
    scope.out.rename(tensor, str(node.outputs[0].name))
    scope.alias(node.outputs[0], Place(tensor, order), integer=integer)


def _picked(scope: Scope, tensor: int, position: int, rows: Array) -> int:
    shape = scope.out.shape(tensor)
    name = f"{scope.out.tensors[tensor].name}_rows"
    indices = scope.out.constant(name, rows.astype(np.int32))
    result = scope.out.like(name, tensor, (*shape[:position], len(rows), *shape[position + 1 :]))
    scope.out.emit("GATHER", [tensor, indices], [result], axis=position, batch_dims=0)
    return result


def _mixed(scope: Scope, tensor: int, position: int, matrix: Array) -> int:
    """The matrix [after, before] times the tensor [outer, before, inner]."""
    shape = scope.out.shape(tensor)
    name = f"{scope.out.tensors[tensor].name}_mixed"
    outer, inner = math.prod(shape[:position]), math.prod(shape[position + 1 :])
    after, before = matrix.shape
    flat = scope.out.like(name, tensor, (outer, before, inner))
    scope.reshape(tensor, flat)
    left = scope.out.constant(f"{name}_weights", matrix[None].astype(np.float32))
    product = scope.out.like(name, tensor, (outer, after, inner))
    scope.out.emit("BATCH_MATMUL", [left, flat], [product], adj_x=False, adj_y=False)
    result = scope.out.like(name, tensor, (*shape[:position], after, *shape[position + 1 :]))
    scope.reshape(product, result)
    return result


def _plus(scope: Scope, tensor: int, addend: Array) -> int:
    name = f"{scope.out.tensors[tensor].name}_outside"
    border = scope.out.constant(name, addend.astype(np.float32))
    result = scope.out.like(name, tensor, scope.out.shape(tensor))
    scope.out.emit("ADD", [tensor, border], [result], fused_activation_function="NONE")
    return result


LOWERINGS = {"Resize": lower_resize, "Upsample": lower_resize}
