"""The order within rows."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from edgesdk.report.ordering import neighbours, order_rows
from edgesdk.report.ranks import Rows, assign_rows


def crossings(rows: Rows, order: list[list[int]]) -> int:
    """Pairs of edge pieces between the same two rows that cross, one pair after the other."""
    place = {vertex: i for row in order for i, vertex in enumerate(row)}
    pieces = [piece for chain in rows.chains for piece in itertools.pairwise(chain)]
    return sum(
        rows.row[a] == rows.row[c] and (place[a] - place[c]) * (place[b] - place[d]) < 0
        for (a, b), (c, d) in itertools.combinations(pieces, 2)
    )


def test_a_tangle_that_can_be_solved_is_solved() -> None:
    rows = assign_rows(6, [(0, 5), (1, 4), (2, 3)])
    assert crossings(rows, order_rows(rows)) == 0


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(8, 15)), max_size=25, unique=True))
def test_no_order_is_worse_than_the_given_one(edges: list[tuple[int, int]]) -> None:
    rows = assign_rows(16, edges)
    order = order_rows(rows)
    given_order = [sorted(row) for row in order]
    assert crossings(rows, order) <= crossings(rows, given_order)
    assert sorted(v for row in order for v in row) == list(range(len(rows.row)))


def test_neighbours_are_mutual() -> None:
    rows = assign_rows(3, [(0, 1), (1, 2), (0, 2)])
    above, below = neighbours(rows)
    assert all(v in below[u] for v, uppers in enumerate(above) for u in uppers)
