"""The mean over all of height and width is GlobalAveragePool, whatever a source calls it."""

from __future__ import annotations

import onnx_ir as ir

from edgesdk_quant.graph.rewrite import graph_of, input_at, replace
from edgesdk_quant.graph.values import constant, value_shape


def write_global_pools(model: ir.Model) -> None:
    """ReduceMean of [N, C, H, W] over H and W becomes GlobalAveragePool (and Flatten)."""
    for node in list(model.graph.all_nodes()):
        if node.op_type != "ReduceMean" or not _is_spatial(node):
            continue
        if node.attributes.get_int("keepdims", 1):
            replace(node, "GlobalAveragePool", [node.inputs[0]])
        else:
            _pool_and_flatten(node)


def _is_spatial(node: ir.Node) -> bool:
    axes, shape = constant(input_at(node, 1)), value_shape(node.inputs[0])
    if axes is None or shape is None or len(shape) != 4:
        return False
    return sorted(int(axis) % 4 for axis in axes.reshape(-1)) == [2, 3]


def _pool_and_flatten(node: ir.Node) -> None:
    x = node.inputs[0]
    pool = ir.node("GlobalAveragePool", [x], name=f"{node.name}_pool")
    pooled = pool.outputs[0]
    pooled.name = f"{node.outputs[0].name}_pooled"
    if x is not None and x.shape is not None:
        pooled.type, pooled.shape = x.type, ir.Shape([*x.shape.dims[:2], 1, 1])
    graph_of(node).insert_before(node, pool)
    replace(node, "Flatten", [pooled], {"axis": 1})
