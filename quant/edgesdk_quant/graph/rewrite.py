"""Small edits of a graph that keep the names of what they replace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir

from edgesdk_quant.graph.values import consumers


def replace(
    node: ir.Node,
    op_type: str,
    inputs: Sequence[ir.Value | None],
    attributes: Mapping[str, Any] | None = None,
) -> ir.Node:
    """Put another operator in place of a node with one output, under its name and output name.

    Nodes that only fed the old one stay; dead code removal takes them away.

    Returns:
        The new node.
    """
    old = node.outputs[0]
    new = ir.node(op_type, inputs, attributes or {}, name=node.name)
    made = new.outputs[0]
    made.name, made.type, made.shape = old.name, old.type, old.shape
    graph = graph_of(node)
    graph.insert_before(node, new)
    old.replace_all_uses_with(made, replace_graph_outputs=True)
    graph.remove(node, safe=True)
    return new


def bypass(node: ir.Node) -> bool:
    """Let the readers of a node read its first input instead, and remove the node.

    Returns:
        False where the node must stay: it connects an input or initializer, or a value that is an
        output already, to a graph output.
    """
    source, out = node.inputs[0], node.outputs[0]
    if source is None:
        return False
    if out.is_graph_output():
        if source.producer() is None or source.is_graph_output() or source.graph is not out.graph:
            return False
        source.name, out.name = out.name, None
    out.replace_all_uses_with(source, replace_graph_outputs=True)
    graph_of(node).remove(node, safe=True)
    return True


def sole_reader(value: ir.Value) -> ir.Node | None:
    """The one node that reads the value, None if it has none or several or is a graph output."""
    readers = consumers(value)
    return readers[0] if len(readers) == 1 and not value.is_graph_output() else None


def made_by(value: ir.Value | None, op_type: str) -> ir.Node | None:
    """The node that makes the value if it is of this type, else None."""
    node = value.producer() if value is not None else None
    return node if node is not None and node.op_type == op_type else None


def input_at(node: ir.Node, index: int) -> ir.Value | None:
    """An input that may be left out: None if it is."""
    return node.inputs[index] if index < len(node.inputs) else None


def graph_of(node: ir.Node) -> ir.Graph:
    """The graph, main or nested, that owns the node."""
    graph = node.graph
    if not isinstance(graph, ir.Graph):
        raise TypeError(f"node {node.name!r} belongs to no graph")
    return graph
