"""Rows of a layered drawing: each node below all of its sources, edges as short as can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Edge = tuple[int, int]


@dataclass(frozen=True)
class Rows:
    """Nodes in rows, and stand-ins where an edge crosses a row.

    Attributes:
        row: for each vertex its row, real nodes first, stand-ins after them.
        chains: for each edge the vertices from its source to its target, stand-ins between.
    """

    row: tuple[int, ...]
    chains: tuple[tuple[int, ...], ...]


def assign_rows(count: int, edges: Sequence[Edge]) -> Rows:
    """Longest-path layering; nodes without a source move down to their first reader.

    Args:
        count: number of nodes, in an order in which sources come before readers.
        edges: (source, reader); those against the order are left out of the layering.
    """
    forward = [(a, b) for a, b in edges if a < b]
    row = [0] * count
    for a, b in sorted(forward, key=lambda edge: edge[1]):
        row[b] = max(row[b], row[a] + 1)
    fed = {b for _, b in forward}
    for a in range(count):
        below = [row[b] for source, b in forward if source == a] if a not in fed else []
        row[a] = max(row[a], min(below, default=1) - 1)
    return _with_stand_ins(row, edges)


def _with_stand_ins(row: list[int], edges: Sequence[Edge]) -> Rows:
    chains = []
    for a, b in edges:
        step = 1 if row[b] >= row[a] else -1
        between = range(row[a] + step, row[b], step)
        chains.append((a, *range(len(row), len(row) + len(between)), b))
        row.extend(between)
    return Rows(tuple(row), tuple(chains))
