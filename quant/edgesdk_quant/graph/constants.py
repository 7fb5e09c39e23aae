"""Hold every constant as an initializer of the main graph."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common

from edgesdk_quant.graph.rewrite import graph_of
from edgesdk_quant.graph.values import constant, new_initializer


def lift_constants(model: ir.Model) -> None:
    """Turn Constant nodes and initializers of nested graphs into those of the main graph."""
    common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    for node in list(model.graph):
        if node.op_type == "Constant" and node.outputs[0].is_graph_output():
            _lift_output(node)
    common.LiftSubgraphInitializersToMainGraphPass()(model)
    common.RemoveInitializersFromInputsPass()(model)


def _lift_output(node: ir.Node) -> None:
    """A graph may give a constant: the initializer then bears the output's name."""
    out, array = node.outputs[0], constant(node.outputs[0])
    if array is None or out.name is None:
        return
    graph, name = graph_of(node), out.name
    out.name = None
    value = new_initializer(graph, name, array)
    out.replace_all_uses_with(value, replace_graph_outputs=True)
    graph.remove(node, safe=True)
