"""Nodes that run as one layer: an operator, the activation fused into it, the Q/DQ around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgesdk.report.network import QUANTIZING, Network, Node

FUSED_ACTIVATIONS = frozenset({"Relu", "Clip"})


@dataclass(frozen=True)
class Layers:
    """Which layer each node belongs to.

    Attributes:
        owner: for each node of the network, the number of its layer.
        members: for each layer, the numbers of its nodes; the operator itself comes first.
        edges: pairs of layer numbers, from producer to reader, each once.
    """

    owner: tuple[int, ...]
    members: tuple[tuple[int, ...], ...]
    edges: tuple[tuple[int, int], ...]


def edges_of(nodes: Sequence[Node]) -> tuple[tuple[int, int], ...]:
    """Pairs of node numbers, from producer to reader, each once, in order."""
    producer = {value.name: i for i, node in enumerate(nodes) for value in node.outputs}
    found = [
        (producer[name], reader)
        for reader, node in enumerate(nodes)
        for name in node.inputs
        if name in producer
    ]
    return tuple(dict.fromkeys(edge for edge in found if edge[0] != edge[1]))


def group_layers(network: Network) -> Layers:
    """Put Q/DQ nodes and fused activations to the operator whose result they carry on."""
    nodes = network.nodes
    edges = edges_of(nodes)
    readers: dict[int, list[int]] = {}
    source: dict[int, int] = {}
    for producer, reader in edges:
        readers.setdefault(producer, []).append(reader)
        source.setdefault(reader, producer)
    head = list(range(len(nodes)))
    for i, node in enumerate(nodes):
        if i in source and (node.op in QUANTIZING or _is_fused(i, nodes, source, readers)):
            head[i] = head[source[i]]
    return _numbered(head, edges)


def _is_fused(
    i: int, nodes: Sequence[Node], source: dict[int, int], readers: dict[int, list[int]]
) -> bool:
    """An activation between an operator that it alone reads and its QuantizeLinear."""
    before = nodes[source[i]]
    after = readers.get(i, [])
    return (
        nodes[i].op in FUSED_ACTIVATIONS
        and before.op not in QUANTIZING
        and bool(before.inputs)
        and len(readers[source[i]]) == 1
        and bool(after)
        and all(nodes[reader].op == "QuantizeLinear" for reader in after)
    )


def _numbered(head: Sequence[int], edges: Sequence[tuple[int, int]]) -> Layers:
    numbers = {node: number for number, node in enumerate(dict.fromkeys(head))}
    owner = tuple(numbers[node] for node in head)
    members: list[list[int]] = [[] for _ in numbers]
    for node, number in enumerate(owner):
        members[number].append(node)
    joined = dict.fromkeys((owner[a], owner[b]) for a, b in edges if owner[a] != owner[b])
    return Layers(owner, tuple(tuple(m) for m in members), tuple(joined))
