"""Attention masks: what a Softmax gives no weight to needs no range.

A mask adds -inf, -1e9 or -100 to scores, or stands in their place. Under one range with it eight
bits could say little more than "masked or not" of the scores. A score `REACH` below the largest of
its row weighs less than e^-REACH = 6e-6, which no 8-bit Softmax tells from 0: what is lower counts
as that low, and what is added to scores as just low enough to bring the highest down there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph.values import consumers, value_shape

REACH = 12.0
MOVING = frozenset({"Expand", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})


@dataclass(frozen=True)
class Scores:
    """What one Softmax reads, by name.

    Attributes:
        value: its input, whose rows lie along the last dimension.
        moved: values that only become this one.
        parts: values that are added up to it or chosen for it, masks among them.
    """

    value: str
    moved: frozenset[str]
    parts: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """All of these values."""
        return self.moved | self.parts | {self.value}


def find_scores(graph: ir.Graph) -> list[Scores]:
    """The scores of every Softmax along the last dimension, less values that others read too."""
    found = [(value, list(_upstream(value))) for node in graph for value in _softmax_input(node)]
    readers = {reader for _, parts in found for reader, _, _ in parts}
    readers.update(node for node in graph if node.op_type == "Softmax")

    def private(value: ir.Value) -> bool:
        return not value.is_graph_output() and readers.issuperset(consumers(value))

    return [
        Scores(
            str(value.name),
            frozenset(str(part.name) for _, part, moves in parts if moves and private(part)),
            frozenset(str(part.name) for _, part, moves in parts if not moves and private(part)),
        )
        for value, parts in found
        if private(value)
    ]


def bound_scores(arrays: dict[str, NDArray[np.float32]], scores: Sequence[Scores]) -> None:
    """Lift what has no weight, in place.

    Args:
        arrays: values of one sample by name; `value` of every one of the scores is among them.
        scores: of the graph.
    """
    floors: dict[str, float] = {}
    for found in scores:
        rows = arrays[found.value]
        rows = np.maximum(rows, rows.max(axis=-1, keepdims=True) - np.float32(REACH))
        low, high = float(rows.min()), float(rows.max())
        arrays[found.value] = rows
        for names, floor in ((found.moved, low), (found.parts, low - high)):
            floors.update({name: min(floor, floors.get(name, floor)) for name in names})
    for name in floors.keys() & arrays.keys():
        arrays[name] = np.maximum(arrays[name], np.float32(floors[name]))


def needed(scores: Sequence[Scores], values: Sequence[str]) -> list[Scores]:
    """Those scores that any of the values belongs to."""
    wanted = frozenset(values)
    return [found for found in scores if not wanted.isdisjoint(found.names)]


def _softmax_input(node: ir.Node) -> Iterator[ir.Value]:
    """What a Softmax along the last dimension reads; nothing for other nodes."""
    value = node.inputs[0] if node.op_type == "Softmax" else None
    shape = value_shape(value)
    if value is None or shape is None:
        return
    if node.attributes.get_int("axis", -1) in (-1, len(shape) - 1):
        yield value


def _upstream(scores: ir.Value) -> Iterator[tuple[ir.Node, ir.Value, bool]]:
    """Readers and what they read on the way to the scores; whether it only moves."""
    waiting = [(scores, True)]
    while waiting:
        value, moves = waiting.pop()
        node = value.producer()
        if node is None:
            continue
        if node.op_type in MOVING:
            inputs, still = node.inputs[:1], moves
        elif node.op_type in ("Add", "Where"):
            inputs, still = node.inputs[-2:], False
        else:
            continue
        for part in inputs:
            if part is not None:
                yield node, part, still
                waiting.append((part, still))
