"""A layered drawing of a network: boxes in rows, edges that run down between them.

The steps of Sugiyama, Tagawa, Toda 1981: rows (`ranks`), order (`ordering`), and here coordinates.
Each row is placed so that the weighted squared distance of its vertices to the mean of their
neighbours is least and no two of them overlap. With the gaps taken off, this is isotonic
regression, which pooling adjacent violators solves exactly (Barlow et al. 1972).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from edgesdk.report.ordering import neighbours, order_rows
from edgesdk.report.ranks import Edge, Rows, assign_rows

BOX_WIDTH, BOX_HEIGHT = 176, 44
ROW_HEIGHT = 76
GAP = 24
LANE = 14
PASSES = 6
# A long edge should be straight before anything else is.
STRAIGHT = 8.0


@dataclass(frozen=True)
class Drawing:
    """Places in units of CSS pixels.

    Attributes:
        width: of the whole.
        height: of the whole.
        boxes: upper left corner (x, y) of each node's box, BOX_WIDTH x BOX_HEIGHT.
        paths: for each edge its source, its target, and the points that it runs through.
    """

    width: int
    height: int
    boxes: tuple[tuple[int, int], ...]
    paths: tuple[tuple[int, int, tuple[tuple[int, int], ...]], ...]


def draw(count: int, edges: Sequence[Edge]) -> Drawing:
    """Place nodes and edges.

    Args:
        count: number of nodes, in an order in which sources come before readers.
        edges: (source, reader).
    """
    rows = assign_rows(count, edges)
    order = order_rows(rows)
    center = _centers(rows, order, count)
    left = min((x - _width(v, count) / 2 for v, x in enumerate(center)), default=0.0)
    right = max((x + _width(v, count) / 2 for v, x in enumerate(center)), default=0.0)
    boxes = tuple(
        (round(center[v] - left - BOX_WIDTH / 2), rows.row[v] * ROW_HEIGHT) for v in range(count)
    )
    paths = tuple(
        (chain[0], chain[-1], _points(chain, rows, center, left)) for chain in rows.chains
    )
    height = len(order) * ROW_HEIGHT - (ROW_HEIGHT - BOX_HEIGHT)
    return Drawing(round(right - left), max(height, 0), boxes, paths)


def _points(
    chain: Sequence[int], rows: Rows, center: Sequence[float], left: float
) -> tuple[tuple[int, int], ...]:
    """From the bottom of the source through the stand-ins to the top of the target."""
    first, *inner, last = [(round(center[v] - left), rows.row[v] * ROW_HEIGHT) for v in chain]
    middle = [(x, y + BOX_HEIGHT // 2) for x, y in inner]
    return ((first[0], first[1] + BOX_HEIGHT), *middle, last)


def _width(vertex: int, count: int) -> int:
    return BOX_WIDTH if vertex < count else LANE


def _centers(rows: Rows, order: Sequence[Sequence[int]], count: int) -> list[float]:
    """Horizontal center of each vertex."""
    above, below = neighbours(rows)
    center = [0.0] * len(rows.row)
    for row in order:
        _place(row, [0.0] * len(row), [1.0] * len(row), center, count)
    for turn in range(PASSES):
        downward = turn % 2 == 0
        before = above if downward else below
        for row in order if downward else reversed(order):
            wanted, weights = [], []
            for v in row:
                share = [STRAIGHT if v >= count and n >= count else 1.0 for n in before[v]]
                at = sum(w * center[n] for w, n in zip(share, before[v], strict=True))
                wanted.append(at / sum(share) if share else center[v])
                weights.append(sum(share) or 0.1)
            _place(row, wanted, weights, center, count)
    return center


def _place(
    row: Sequence[int],
    wanted: Sequence[float],
    weights: Sequence[float],
    center: list[float],
    count: int,
) -> None:
    """Put a row's vertices as near to the wanted places as the gaps between them allow.

    A vertex that has its row to itself stands on the axis, so that long networks do not drift.
    """
    if len(row) == 1:
        center[row[0]] = 0.0
        return
    offsets = [0.0]
    for a, b in itertools.pairwise(row):
        offsets.append(offsets[-1] + (_width(a, count) + _width(b, count)) / 2 + GAP)
    free = [want - offset for want, offset in zip(wanted, offsets, strict=True)]
    for v, x, offset in zip(row, isotonic(free, weights), offsets, strict=True):
        center[v] = x + offset


def isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing sequence that is nearest in weighted squares, by pooling neighbours."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for value, weight in zip(values, weights, strict=True):
        mean, total, size = value, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, more, members = blocks.pop()
            mean = (mean * total + other * more) / (total + more)
            total, size = total + more, size + members
        blocks.append((mean, total, size))
    return [mean for mean, _, size in blocks for _ in range(size)]
