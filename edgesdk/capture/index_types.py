"""Indices of the type that ONNX asks for: torch's exporter leaves int32 ones as they are."""

from __future__ import annotations

import onnx_ir as ir

from edgesdk_quant.graph.rewrite import graph_of

# Operators that take int64 indices only; Gather and its kin take int32 too.
LONG_INDICES = frozenset({"GatherND", "ScatterND"})


def lengthen_indices(model: ir.Model) -> None:
    """Put a Cast to int64 in front of int32 indices where ONNX has no int32 operator."""
    for node in model.graph.all_nodes():
        index = node.inputs[1] if node.op_type in LONG_INDICES else None
        if index is None or index.dtype != ir.DataType.INT32:
            continue
        cast = ir.node("Cast", [index], {"to": ir.DataType.INT64})
        cast.outputs[0].type = ir.TensorType(ir.DataType.INT64)
        cast.outputs[0].shape = index.shape
        graph_of(node).insert_before(node, cast)
        node.replace_input_with(1, cast.outputs[0])
