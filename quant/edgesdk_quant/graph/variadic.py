"""Write Sum, Max and Min of any number of operands with two operands each."""

from __future__ import annotations

import onnx_ir as ir

from edgesdk_quant.graph.rewrite import bypass, graph_of, replace

# op of many operands -> op of two
PAIRWISE = {"Sum": "Add", "Max": "Max", "Min": "Min"}


def pair_operands(model: ir.Model) -> None:
    """Sum(a, b, c) becomes Add(Add(a, b), c); of one operand nothing is left."""
    for node in list(model.graph.all_nodes()):
        if node.op_type not in PAIRWISE:
            continue
        if len(node.inputs) == 1:
            bypass(node)
        elif len(node.inputs) > 2 or node.op_type == "Sum":
            _chain(node, PAIRWISE[node.op_type])


def _chain(node: ir.Node, op_type: str) -> None:
    left, dtype = node.inputs[0], node.outputs[0].dtype or ir.DataType.FLOAT
    for i, right in enumerate(node.inputs[1:-1]):
        pair = ir.node(op_type, [left, right], name=f"{node.name}_{i}")
        left = pair.outputs[0]
        left.name, left.dtype = f"{node.outputs[0].name}_{i}", dtype
        graph_of(node).insert_before(node, pair)
    replace(node, op_type, [left, node.inputs[-1]])
