"""Reductions, the global average pool among them, and ArgMax / ArgMin."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk.export.tflite.scope import Scope
from edgesdk.export.tflite.tensors import static_shape
from edgesdk_quant.graph import constant
from edgesdk_runtimes.errors import UnsupportedError

CODES = {
    "ReduceMean": "MEAN",
    "ReduceSum": "SUM",
    "ReduceMax": "REDUCE_MAX",
    "ReduceMin": "REDUCE_MIN",
    "ReduceProd": "REDUCE_PROD",
}


def lower_reduction(scope: Scope, node: ir.Node) -> None:
    """Reduce over constant axes."""
    value = node.inputs[0]
    if value is None:
        raise UnsupportedError("it has no input")
    rank = len(static_shape(value))
    given = (
        constant(node.inputs[1]) if len(node.inputs) > 1 and node.inputs[1] is not None else None
    )
    if len(node.inputs) > 1 and node.inputs[1] is not None and given is None:
        raise UnsupportedError("axes are computed at run time")
    listed = given.ravel().tolist() if given is not None else node.attributes.get_ints("axes", [])
    if not listed and node.attributes.get_int("noop_with_empty_axes", 0) == 1:
        scope.alias(node.outputs[0], scope.place(value, integer=False), integer=False)
        return
    axes = {int(axis) % rank for axis in listed} or set(range(rank))
    _emit(scope, node, CODES[node.op_type], axes, keep=bool(node.attributes.get_int("keepdims", 1)))


def lower_global_average_pool(scope: Scope, node: ir.Node) -> None:
    """GlobalAveragePool: the mean over the spatial dimensions."""
    value = node.inputs[0]
    if value is None:
        raise UnsupportedError("it has no input")
    _emit(scope, node, "MEAN", set(range(2, len(static_shape(value)))), keep=True)


def _emit(scope: Scope, node: ir.Node, code: str, axes: set[int], *, keep: bool) -> None:
    value = node.inputs[0]
    if value is None:
        raise UnsupportedError("it has no input")
    quantized = scope.is_quantized(value) and scope.quantizer(node.outputs[0]) is not None
    integer = quantized and code == "MEAN"
    place = scope.place(value, integer=integer)
    positions = [i for i, dim in enumerate(place.permutation) if dim in axes]
    order = place.permutation
    if not keep:
        left = [dim for dim in place.permutation if dim not in axes]
        order = tuple(sorted(left).index(dim) for dim in left)
    operand = scope.out.constant(f"{node.name}_axes", np.array(positions, np.int32))
    result = scope.result(node.outputs[0], order, integer=integer)
    scope.out.emit(code, [place.tensor, operand], [result], keep_dims=keep)


def lower_arg(scope: Scope, node: ir.Node) -> None:
    """ArgMax and ArgMin without kept dimensions, the first of equal values."""
    value = node.inputs[0]
    if value is None or node.attributes.get_int("select_last_index", 0) == 1:
        raise UnsupportedError("the last of equal values")
    tensor = scope.tensor(value, integer=False)
    shape = static_shape(value)
    axis = node.attributes.get_int("axis", 0) % len(shape)
    operand = scope.out.constant(f"{node.name}_axis", np.array(axis, np.int32))
    code = "ARG_MAX" if node.op_type == "ArgMax" else "ARG_MIN"
    result = scope.result(node.outputs[0], integer=False)
    if not node.attributes.get_int("keepdims", 1):
        scope.out.emit(code, [tensor, operand], [result], output_type="INT64")
        return
    reduced = scope.out.add(f"{node.name}_reduced", "INT64", shape[:axis] + shape[axis + 1 :])
    scope.out.emit(code, [tensor, operand], [reduced], output_type="INT64")
    scope.reshape(reduced, result)


LOWERINGS = {
    **dict.fromkeys(CODES, lower_reduction),
    "ArgMax": lower_arg,
    "ArgMin": lower_arg,
    "GlobalAveragePool": lower_global_average_pool,
}
