"""Order within the rows of a layered drawing, with few crossings.

Barycentre sweeps of Sugiyama, Tagawa, Toda 1981, "Methods for visual understanding of hierarchical
system structures": each vertex moves to the mean place of its neighbours in the row before.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from collections.abc import Sequence

from edgesdk.report.ranks import Rows

SWEEPS = 8
# Above this many vertices one sweep down and up has to do.
LARGE = 20_000


def order_rows(rows: Rows) -> list[list[int]]:
    """Vertices of each row, from left to right."""
    above, below = neighbours(rows)
    order: list[list[int]] = [[] for _ in range(max(rows.row, default=-1) + 1)]
    for vertex, row in enumerate(rows.row):
        order[row].append(vertex)
    best, fewest = [list(row) for row in order], _crossings(order, below)
    for _ in range(SWEEPS if len(rows.row) < LARGE else 1):
        if not fewest:
            break
        _sweep(order, above)
        order.reverse()
        _sweep(order, below)
        order.reverse()
        found = _crossings(order, below)
        if found < fewest:
            best, fewest = [list(row) for row in order], found
    return best


def neighbours(rows: Rows) -> tuple[list[list[int]], list[list[int]]]:
    """For each vertex, its neighbours in the row above and in the row below."""
    above: list[list[int]] = [[] for _ in rows.row]
    below: list[list[int]] = [[] for _ in rows.row]
    for chain in rows.chains:
        for a, b in itertools.pairwise(chain):
            upper, lower = (a, b) if rows.row[a] < rows.row[b] else (b, a)
            below[upper].append(lower)
            above[lower].append(upper)
    return above, below


def _sweep(order: list[list[int]], before: Sequence[Sequence[int]]) -> None:
    """Sort each row by the mean place of the neighbours in the row that came before it."""
    place = {vertex: i for i, vertex in enumerate(order[0])} if order else {}
    for row in order[1:]:
        key = {v: _mean([place[n] for n in before[v]], i) for i, v in enumerate(row)}
        row.sort(key=key.__getitem__)
        place = {vertex: i for i, vertex in enumerate(row)}


def _mean(places: Sequence[int], otherwise: int) -> float:
    return sum(places) / len(places) if places else otherwise


def _crossings(order: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> int:
    """Pairs of edges that cross, counted between neighbouring rows as inversions."""
    total = 0
    for upper, lower in itertools.pairwise(order):
        place = {vertex: i for i, vertex in enumerate(lower)}
        seen: list[int] = []
        for vertex in upper:
            ends = sorted(place[n] for n in below[vertex])
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total
