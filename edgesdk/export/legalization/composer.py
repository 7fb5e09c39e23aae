"""Writes ONNX nodes in the place of another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph import new_initializer
from edgesdk_quant.graph.rewrite import graph_of
from edgesdk_runtimes.base import Array

Operand = ir.Value | Array | Sequence[int] | float | None


class Composer:
    """Puts new nodes in front of a node and lets their results take the place of its outputs.

    Args:
        model: owns the node and gets the constants.
        node: the node to be replaced.
    """

    def __init__(self, model: ir.Model, node: ir.Node) -> None:
        self._model, self._node, self._graph = model, node, graph_of(node)
        self._count = 0

    def __call__(self, op_type: str, *operands: Operand, **attributes: Any) -> ir.Value:
        """A node of one output; arrays, lists of int64 and float32 numbers become constants."""
        return self.several(op_type, *operands, outputs=1, **attributes)[0]

    def several(
        self, op_type: str, *operands: Operand, outputs: int, **attributes: Any
    ) -> Sequence[ir.Value]:
        """A node of many outputs."""
        name = self._name()
        inputs = [self.value(operand) for operand in operands]
        given = {key: value for key, value in attributes.items() if value is not None}
        node = ir.node(op_type, inputs, given, num_outputs=outputs, name=name)
        for i, output in enumerate(node.outputs):
            output.name = f"{name}_{i}" if i else name
        self._graph.insert_before(self._node, node)
        return node.outputs

    def value(self, operand: Operand) -> ir.Value | None:
        """The operand as a value of the graph."""
        if operand is None or isinstance(operand, ir.Value):
            return operand
        if isinstance(operand, float):
            operand = np.array(operand, np.float32)
        array = operand if isinstance(operand, np.ndarray) else np.array(operand, np.int64)
        return new_initializer(self._model.graph, self._name(), array)

    def inline(self, body: ir.Graph, arguments: Sequence[Operand]) -> list[ir.Value]:
        """Put a copy of a nested graph in front of the node; its results for these arguments."""
        copy = body.clone(allow_outer_scope_values=True)
        given = [self.value(argument) for argument in arguments]
        actual = dict(zip(copy.inputs, given, strict=True))
        results = [actual.get(value, value) for value in copy.outputs]
        copy.outputs.clear()
        for formal, value in actual.items():
            if value is not None:
                formal.replace_all_uses_with(value)
        nodes = list(copy)
        copy.remove(nodes)
        for node in nodes:
            node.name = self._name()
            for i, output in enumerate(node.outputs):
                output.name = f"{node.name}_{i}" if i else node.name
            self._graph.insert_before(self._node, node)
        return [value for value in results if value is not None]

    def replace(self, *results: ir.Value) -> None:
        """Let results take the place of the node's outputs, under their names; it is removed."""
        for old, new in zip(self._node.outputs, results, strict=False):
            if old.is_graph_output() and not self._may_be_output(new):
                new = self("Identity", new)
            if old.is_graph_output():
                new.name, old.name = old.name, None
                new.type, new.shape = old.type, old.shape
            old.replace_all_uses_with(new, replace_graph_outputs=True)
        self._graph.remove(self._node, safe=True)

    def _may_be_output(self, value: ir.Value) -> bool:
        producer = value.producer()
        return (
            producer is not None and producer.graph is self._graph and not value.is_graph_output()
        )

    def _name(self) -> str:
        self._count += 1
        return f"{self._node.name}.{self._count}"
