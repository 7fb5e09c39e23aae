"""Which values share their channels: scaling one channel in all of them changes no result.

A group is a connected set of values between weighted operators. Operators inside are positively
homogeneous and keep channels apart, f(s * x) = s * f(x) for s > 0: ReLU, pooling, residuals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph import constant, consumers, new_initializer, scalar, value_shape
from edgesdk_quant.operators import Weighted, attribute, clip_bounds, input_at, is_plain, weighted

CHANNEL = 1  # dimension of the channels in [N, C, ...]


@dataclass(frozen=True)
class ChannelGroup:
    """Values with common channels, and who writes and reads them.

    Attributes:
        values: all values.
        channels: how many channels they have.
        writers: operators whose output channels these are.
        readers: operators whose input channels these are.
        clips: upper bounds of the Clips inside.
        linear: no operator inside is nonlinear: channels may be mixed, not only scaled.
    """

    values: tuple[ir.Value, ...]
    channels: int
    writers: tuple[Weighted, ...]
    readers: tuple[Weighted, ...]
    clips: tuple[float, ...]
    linear: bool


def weight_of(edge: Weighted) -> NDArray[np.float64]:
    """The weights of a writer or reader."""
    return np.asarray(constant(edge.node.inputs[1]), np.float64)


def group_count(edge: Weighted) -> int:
    """In how many groups a convolution keeps its channels apart; 1 for other operators."""
    return int(attribute(edge.node, "group", 1)) if edge.node.op_type == "Conv" else 1


def put_constant(
    graph: ir.Graph, edge: Weighted, index: int, array: NDArray[np.float64], done: str
) -> None:
    """Give a writer or reader another weight or bias, named after the old one and what was done."""
    old = edge.node.inputs[index]
    name = f"{old.name if old is not None else edge.node.name}_{done}"
    edge.node.replace_input_with(index, new_initializer(graph, name, array.astype(np.float32)))
    if old is not None and not old.uses() and not old.is_graph_output():
        graph.initializers.pop(str(old.name), None)


def channel_groups(graph: ir.Graph) -> list[ChannelGroup]:
    """All groups that weighted operators enclose on every side."""
    sets = _connected(graph)
    groups = (_enclosed(values, members) for values, members in sets)
    return [group for group in groups if group is not None]


def _connected(graph: ir.Graph) -> list[tuple[list[ir.Value], set[ir.Node]]]:
    """Sets of values that homogeneous operators connect, with these operators, in graph order."""
    parent: dict[ir.Value, ir.Value] = {}

    def root(value: ir.Value) -> ir.Value:
        while parent.setdefault(value, value) is not value:
            value = parent[value]
        return value

    inside = [node for node in graph if _is_inside(node)]
    for node in inside:
        for value in _linked(node):
            parent[root(value)] = root(node.outputs[0])
    for node in graph:
        if _edge(node) is not None:
            root(node.outputs[0])
    members: dict[ir.Value, tuple[list[ir.Value], set[ir.Node]]] = {}
    for value in list(parent):
        members.setdefault(root(value), ([], set()))[0].append(value)
    for node in inside:
        members[root(node.outputs[0])][1].add(node)
    return list(members.values())


def _enclosed(values: list[ir.Value], inside: set[ir.Node]) -> ChannelGroup | None:
    """The group of these values, None if anything else than weighted operators touches them."""
    writers, readers = [], []
    for value in values:
        producer = value.producer()
        if value.is_graph_output() or producer is None:
            return None
        if producer not in inside:
            writer = _edge(producer)
            if writer is None:
                return None
            writers.append(writer)
        for reader in consumers(value):
            if reader in inside:
                continue
            edge = _edge(reader)
            if (
                edge is None
                or reader.inputs[0] is not value
                or list(reader.inputs).count(value) > 1
            ):
                return None
            readers.append(edge)
    channels = _channels(values)
    if channels is None or not writers or not readers:
        return None
    clips = tuple(b[1] for n in inside if (b := clip_bounds(n)) and n.op_type == "Clip")
    linear = all(node.op_type in _LINEAR for node in inside)
    return ChannelGroup(tuple(values), channels, tuple(writers), tuple(readers), clips, linear)


def _channels(values: list[ir.Value]) -> int | None:
    shapes = [value_shape(value) for value in values]
    counts = {shape[CHANNEL] if shape is not None and len(shape) > 1 else None for shape in shapes}
    return counts.pop() if len(counts) == 1 else None


def _edge(node: ir.Node) -> Weighted | None:
    """A weighted operator that can take scales into its weights."""
    if node.op_type not in ("Conv", "Gemm") or not is_plain(node):
        return None
    return weighted(node)


def _linked(node: ir.Node) -> list[ir.Value]:
    inputs = node.inputs if node.op_type == "Add" else node.inputs[:1]
    return [value for value in inputs if value is not None]


def _is_inside(node: ir.Node) -> bool:
    rule = _HOMOGENEOUS.get(node.op_type)
    return rule is not None and len(node.outputs) == 1 and rule(node)


def _always(node: ir.Node) -> bool:
    return True


def _is_residual(node: ir.Node) -> bool:
    """Both sides are computed and of one shape; a constant would have to be scaled as well."""
    left, right = (value_shape(value) for value in node.inputs)
    known = left is not None and left[1:] == right[1:] if right is not None else False
    return known and all(constant(value) is None for value in node.inputs)


def _pads_zeros(node: ir.Node) -> bool:
    fill, pads = scalar(input_at(node, 2)), constant(input_at(node, 1))
    in_space = pads is not None and pads.ndim == 1 and not _pads_channels(np.asarray(pads))
    mode = str(attribute(node, "mode", "constant"))
    return mode == "constant" and in_space and fill in (None, 0.0) and input_at(node, 3) is None


def _pads_channels(pads: np.ndarray) -> bool:
    ends = pads.reshape(2, -1)
    return bool(ends[:, : CHANNEL + 1].any())


def _keeps_channels(node: ir.Node) -> bool:
    """[N, C, 1, 1] <-> [N, C]: nothing but dimensions of 1 comes or goes."""
    before, after = value_shape(node.inputs[0]), value_shape(node.outputs[0])
    if before is None or after is None or len(before) < 2 or len(after) < 2:
        return False
    trivial = set(before[2:]) <= {1} and set(after[2:]) <= {1}
    return trivial and before[CHANNEL] == after[CHANNEL]


def _averages_space(node: ir.Node) -> bool:
    axes = constant(input_at(node, 1))
    shape = value_shape(node.inputs[0])
    if axes is None or shape is None:
        return False
    return all(int(axis) % len(shape) > CHANNEL for axis in np.asarray(axes).reshape(-1))


_LINEAR = frozenset(
    {
        *("Add", "AveragePool", "GlobalAveragePool", "ReduceMean"),
        *("Pad", "Flatten", "Reshape", "Squeeze"),
    }
)
_HOMOGENEOUS: Mapping[str, Callable[[ir.Node], bool]] = {
    "Relu": _always,
    "Clip": is_plain,
    "LeakyRelu": _always,
    "MaxPool": _always,
    "AveragePool": _always,
    "GlobalAveragePool": _always,
    "GlobalMaxPool": _always,
    "ReduceMean": _averages_space,
    "Pad": _pads_zeros,
    "Flatten": _keeps_channels,
    "Reshape": _keeps_channels,
    "Squeeze": _keeps_channels,
    "Add": _is_residual,
}
