"""Blocks: parts of a graph that are reconstructed together, cut where few values pass.

Li et al. 2021, "BRECQ: Pushing the Limit of Post-Training Quantization by Block Reconstruction",
section 3.2: the layers of a residual block depend on each other and are learnt together; blocks
follow each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from edgesdk_quant.graph import constant
from edgesdk_quant.operators import bias_place
from edgesdk_quant.placement import WeightSite

LAYERS = 3  # an inverted residual block, a bottleneck, or a basic block and its neighbour
LONG_LIFE = 64  # nodes; a block of a network has fewer
# A cut in front of one of them would compare what a kernel never stores.
ACTIVATIONS = frozenset({"Relu", "Clip", "LeakyRelu", "HardSwish", "Gelu", "PRelu", "Sigmoid"})


@dataclass(frozen=True)
class Block:
    """Consecutive nodes.

    Attributes:
        inputs: names of the computed values and graph inputs that it reads.
        outputs: names of its values that later nodes or the caller read.
        nodes: names, in graph order.
        sites: weights inside, in graph order.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[str, ...]
    sites: tuple[WeightSite, ...]


def partition(
    graph: ir.Graph, sites: Sequence[WeightSite], layers: int = LAYERS
) -> tuple[Block, ...]:
    """Cut a graph into blocks.

    Args:
        graph: in topological order.
        sites: weights that are quantized.
        layers: most weighted layers that one block takes, where the graph can be cut there.
    """
    nodes = list(graph)
    weighted = {site.node for site in sites}
    groups: list[list[ir.Node]] = []
    for part in _parts(nodes):
        added = sum(str(node.name) in weighted for node in part)
        held = sum(str(node.name) in weighted for node in groups[-1]) if groups else layers
        if groups and held + added <= layers:
            groups[-1] += part
        else:
            groups.append(list(part))
    return tuple(_block(group, sites) for group in groups)


def last_cut(graph: ir.Graph, sites: Sequence[WeightSite]) -> str:
    """The value where the graph can be cut behind its last weighted layer and that one's bias."""
    weighted = [node for node in graph if str(node.name) in {site.node for site in sites}]
    places = [bias_place(node) for node in weighted]
    last = {*weighted, *(place[0] for place in places if place is not None)}
    parts = [part for part in _parts(list(graph)) if last.intersection(part)]
    return str(parts[-1][-1].outputs[0].name)


def _parts(nodes: list[ir.Node]) -> list[list[ir.Node]]:
    """Nodes between neighbouring cuts."""
    passing = _passing(nodes)
    fewest = min(passing[:-1], default=0)
    parts: list[list[ir.Node]] = [[]]
    for index, node in enumerate(nodes):
        parts[-1].append(node)
        last = index + 1 == len(nodes)
        if not last and passing[index] == fewest and not _is_activation(nodes[index + 1]):
            parts.append([])
    return parts


def _passing(nodes: list[ir.Node]) -> list[int]:
    """How many values are still needed after each node, less those that many nodes pass by.

    An attention mask is read in each layer of a transformer; it goes along from block to block.
    """
    last_use: dict[ir.Value, int] = {}
    for index, node in enumerate(nodes):
        for value in _read(node):
            last_use[value] = index
    born = {v: i for i, node in enumerate(nodes) for v in node.outputs}
    changes = [0] * (len(nodes) + 1)
    for value, end in last_use.items():
        start = born.get(value, 0)
        if end - start > LONG_LIFE:
            continue
        changes[start] += 1
        changes[end] -= 1
    passing, alive = [], 0
    for change in changes[:-1]:
        alive += change
        passing.append(alive)
    return passing


def _read(node: ir.Node) -> list[ir.Value]:
    return [v for v in node.inputs if v is not None and constant(v) is None]


def _is_activation(node: ir.Node) -> bool:
    return node.op_type in ACTIVATIONS


def _block(nodes: list[ir.Node], sites: Sequence[WeightSite]) -> Block:
    names = {str(node.name) for node in nodes}
    made = {value for node in nodes for value in node.outputs}
    read = [v for node in nodes for v in _read(node) if v not in made]
    kept = [
        v
        for node in nodes
        for v in node.outputs
        if v.is_graph_output() or any(use.node not in nodes for use in v.uses())
    ]
    return Block(
        inputs=tuple(dict.fromkeys(str(v.name) for v in read)),
        outputs=tuple(str(v.name) for v in kept),
        nodes=tuple(str(node.name) for node in nodes),
        sites=tuple(site for site in sites if site.node in names),
    )
