"""Attention scores: what a Softmax gives no weight to needs no range.

A mask adds -inf, -1e9 or -100 to scores, or stands in their place, and scores themselves may reach
-500 before they are divided by the root of their depth. Under one range with that, eight bits could
say little of the scores that count. A score `REACH` below the largest of its row weighs less than
e^-REACH = 6e-6, which no 8-bit Softmax tells from 0: what is lower counts as that low. What scores
are made of, and nothing else is, is lifted as far as no score rises above that by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph.values import consumers, scalar

REACH = 12.0
MOVING = frozenset({"Expand", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Step:
    """Elements of a value come from those of another: made = source * factor + other.

    Attributes:
        made: name of the result.
        source: name of what is lifted.
        factor: positive.
        other: name of what is added; "" without.
    """

    made: str
    source: str
    factor: float = 1.0
    other: str = ""

    def floor(self, made: float, arrays: Mapping[str, Floats]) -> float:
        """What the source may be lifted to, if the result may be lifted to `made`.

        -inf, which lifts nothing, where all that is added is -inf.
        """
        added = float(arrays[self.other].max()) if self.other else 0.0
        return (made - added) / self.factor if np.isfinite(added) else -np.inf


@dataclass(frozen=True)
class Scores:
    """What one Softmax reads.

    Attributes:
        value: its input.
        axis: the dimension along which its rows lie.
        steps: what that is made of and nothing else reads, from the Softmax upwards.
    """

    value: str
    axis: int
    steps: tuple[Step, ...]

    @property
    def names(self) -> frozenset[str]:
        """Values that are lifted."""
        return frozenset((self.value, *(step.source for step in self.steps)))

    @property
    def needs(self) -> frozenset[str]:
        """Values that tell how far."""
        return frozenset((self.value, *(step.other for step in self.steps if step.other)))


def find_scores(graph: ir.Graph) -> list[Scores]:
    """The scores of every Softmax, less those that others read too."""
    private = _private_values(graph)
    return [
        Scores(
            str(node.inputs[0].name),
            node.attributes.get_int("axis", -1),
            tuple(_steps_to(node.inputs[0], graph, private)),
        )
        for node in graph
        if node.op_type == "Softmax" and node.inputs[0] in private
    ]


def bound_scores(arrays: dict[str, Floats], scores: Sequence[Scores]) -> None:
    """Lift what has no weight, in place.

    Args:
        arrays: values of one sample by name, all among them that the scores need.
        scores: of the graph.
    """
    floors: dict[str, Floats] = {}

    def lift(name: str, floor: Floats) -> None:
        floors[name] = np.minimum(floor, floors.get(name, floor))

    for found in scores:
        rows = arrays[found.value]
        least = rows.max(axis=found.axis, keepdims=True) - np.float32(REACH)
        lift(found.value, least)
        own = {found.value: float(np.maximum(rows, least).min())}
        for step in found.steps:
            floor = step.floor(own[step.made], arrays)
            own[step.source] = min(floor, own.get(step.source, floor))
            lift(step.source, np.array(own[step.source], np.float32))
    for name in floors.keys() & arrays.keys():
        arrays[name] = np.maximum(arrays[name], floors[name])


def needed(scores: Sequence[Scores], values: Sequence[str]) -> list[Scores]:
    """Those scores that any of the values belongs to."""
    wanted = frozenset(values)
    return [found for found in scores if not wanted.isdisjoint(found.names)]


def _private_values(graph: ir.Graph) -> set[ir.Value]:
    """Values that scores alone are made of."""
    found: set[ir.Value] = set()
    computed = [output for node in reversed(graph) for output in node.outputs]  # readers come first
    for value in (*computed, *graph.inputs, *graph.initializers.values()):
        if not value.is_graph_output() and all(
            node.op_type == "Softmax" or (_passes(node, value) and node.outputs[0] in found)
            for node in consumers(value)
        ):
            found.add(value)
    return found


def _passes(node: ir.Node, value: ir.Value) -> bool:
    """Whether elements of a node's result come from the value."""
    return any(source is value for source, _ in _sources(node))


def _steps_to(scores: ir.Value, graph: ir.Graph, private: Set[ir.Value]) -> Iterator[Step]:
    """The steps to private values, each behind all those that tell the floor of its `made`."""
    lifted = {scores}
    for node in reversed(graph):
        for source, step in _sources(node) if node.outputs[0] in lifted else ():
            if source in private:
                lifted.add(source)
                yield step


def _sources(node: ir.Node) -> list[tuple[ir.Value, Step]]:
    """What the elements of a node's result come from."""
    made, data = str(node.outputs[0].name), [value for value in node.inputs if value is not None]
    if node.op_type in MOVING:
        return [(value, Step(made, str(value.name))) for value in data[:1]]
    if node.op_type == "Where":
        return [(value, Step(made, str(value.name))) for value in data[1:]]
    if node.op_type == "Add":
        pairs = zip(data, data[::-1], strict=True)
        return [(value, Step(made, str(value.name), other=str(o.name))) for value, o in pairs]
    if node.op_type in ("Div", "Mul"):
        return [(value, Step(made, str(value.name), factor)) for value, factor in _scaled(node)]
    return []


def _scaled(node: ir.Node) -> Iterator[tuple[ir.Value, float]]:
    """What a positive number multiplies or divides, and the factor."""
    first, second = node.inputs
    number, other = scalar(second), scalar(first)
    if first is not None and number is not None and number > 0:
        yield first, number if node.op_type == "Mul" else 1 / number
    elif second is not None and other is not None and other > 0 and node.op_type == "Mul":
        yield second, other
