"""Rows and stand-ins."""

from __future__ import annotations

from edgesdk.report.ranks import assign_rows


def test_a_node_is_below_all_of_its_sources() -> None:
    rows = assign_rows(4, [(0, 1), (0, 3), (1, 2), (2, 3)])
    assert rows.row[:4] == (0, 1, 2, 3)


def test_an_edge_over_several_rows_has_a_stand_in_in_each() -> None:
    rows = assign_rows(4, [(0, 1), (1, 2), (2, 3), (0, 3)])
    assert rows.chains[3] == (0, 4, 5, 3)
    assert [rows.row[v] for v in rows.chains[3]] == [0, 1, 2, 3]


def test_unconnected_nodes_are_in_the_first_row() -> None:
    assert assign_rows(3, []).row == (0, 0, 0)
