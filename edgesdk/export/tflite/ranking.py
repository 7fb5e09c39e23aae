"""Operators that order, accumulate or look up: TopK, CumSum, GatherND."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk.export.tflite.scope import Scope
from edgesdk.export.tflite.tensors import required, static_shape
from edgesdk_runtimes.errors import UnsupportedError


def _value(node: ir.Node, index: int = 0) -> ir.Value:
    value = node.inputs[index]
    if value is None:
        raise UnsupportedError("an operand is left out")
    return value


def lower_top_k(scope: Scope, node: ir.Node) -> None:
    """TopK of the largest along the last dimension -> TOPK_V2, which counts in int32."""
    value = _value(node)
    shape = static_shape(value)
    if node.attributes.get_int("axis", -1) % len(shape) != len(shape) - 1:
        raise UnsupportedError("another dimension than the last")
    count = required(node.inputs[1], "the number of values").reshape(())
    k = scope.out.constant(f"{node.name}_k", count.astype(np.int32))
    values = scope.result(node.outputs[0], integer=False)
    indices = scope.result(node.outputs[1], integer=False)
    narrow = scope.out.add(f"{node.name}_indices", "INT32", scope.out.shape(indices))
    scope.out.emit("TOPK_V2", [scope.tensor(value, integer=False), k], [values, narrow])
    kinds = {"in_data_type": "INT32", "out_data_type": "INT64"}
    scope.out.emit("CAST", [narrow], [indices], **kinds)


def lower_cumsum(scope: Scope, node: ir.Node) -> None:
    """CumSum along a constant axis."""
    value = _value(node)
    rank = len(static_shape(value))
    axis = int(required(node.inputs[1], "the axis").reshape(())) % rank
    operand = scope.out.constant(f"{node.name}_axis", np.array(axis, np.int32))
    scope.out.emit(
        "CUMSUM",
        [scope.tensor(value, integer=False), operand],
        [scope.result(node.outputs[0], integer=False)],
        exclusive=bool(node.attributes.get_int("exclusive", 0)),
        reverse=bool(node.attributes.get_int("reverse", 0)),
    )


def lower_gather_nd(scope: Scope, node: ir.Node) -> None:
    """GatherND without batch dimensions."""
    if node.attributes.get_int("batch_dims", 0):
        raise UnsupportedError("batch_dims")
    operands = [scope.tensor(_value(node, i), integer=False) for i in range(2)]
    scope.out.emit("GATHER_ND", operands, [scope.result(node.outputs[0], integer=False)])


LOWERINGS = {"CumSum": lower_cumsum, "GatherND": lower_gather_nd, "TopK": lower_top_k}
