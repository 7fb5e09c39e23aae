"""Operators that only move values: what they read holds the same noise under another name."""

from __future__ import annotations

from collections.abc import Iterator

from edgesdk_quant.tflite.model import Operator, Subgraph

MOVING = frozenset({"EXPAND_DIMS", "RESHAPE", "SQUEEZE", "TRANSPOSE"})


class Moves:
    """Walks from tensors of a graph back to where their values were computed."""

    def __init__(self, graph: Subgraph) -> None:
        self._names = [tensor.name for tensor in graph.tensors]
        self._makers = {self._names[t]: op for op in graph.operators for t in op.outputs}

    def maker(self, name: str) -> Operator:
        """The operator that computed the values of a tensor; the first one where all only move.

        Raises:
            KeyError: no operator makes the tensor.
        """
        *_, first = (step for step in self.back(name) if step in self._makers)
        return self._makers[first]

    def back(self, name: str) -> Iterator[str]:
        """A tensor and those that it was moved from, the nearest first."""
        yield name
        while (op := self._makers.get(name)) is not None and op.code in MOVING:
            name = self._names[op.inputs[0]]
            yield name
