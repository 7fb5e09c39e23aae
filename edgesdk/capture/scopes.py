"""Name the nodes of an exported module after the submodule that made them.

torch numbers nodes (`node_Conv_802`), which says nothing in a report and shifts with every change.
"""

from __future__ import annotations

import ast

import onnx_ir as ir

WEIGHT = ".weight"
SCOPES = "pkg.torch.onnx.name_scopes"  # "['', 'blocks.1', 'blocks.1.expand', 'conv2d_2']"


def name_by_scope(model: ir.Model) -> None:
    """Rename nodes to `blocks.1.expand/Conv`, and what they compute alike, but the outputs."""
    taken = {value.name for value in (*model.graph.inputs, *model.graph.outputs)}
    taken |= set(model.graph.initializers)
    for node in model.graph.all_nodes():
        node.name = _unique("/".join(filter(None, (_scope(node), node.op_type))), taken)
        for i, output in enumerate(node.outputs):
            if output.name and not output.is_graph_output():
                output.name = node.name if i == 0 else f"{node.name}:{i}"


def _scope(node: ir.Node) -> str:
    """Path of the submodule that owns the weight, else of the innermost one around the operator.

    A folded BatchNorm leaves its own scope on the convolution: the weight knows better. The last
    scope is the operator itself.
    """
    weight = node.inputs[1] if len(node.inputs) > 1 else None
    if weight is not None and weight.is_initializer() and str(weight.name).endswith(WEIGHT):
        return str(weight.name).removesuffix(WEIGHT)
    try:
        scopes = ast.literal_eval(node.metadata_props.get(SCOPES, ""))
    except (SyntaxError, ValueError):
        return ""
    return str(scopes[-2]) if len(scopes) > 1 else ""


def _unique(wanted: str, taken: set[str | None]) -> str:
    name, count = wanted, 0
    while name in taken:
        count += 1
        name = f"{wanted}_{count}"
    taken.add(name)
    return name
