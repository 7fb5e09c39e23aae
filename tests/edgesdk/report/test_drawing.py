"""A drawing that can be read: nothing overlaps, edges run down, chains are straight."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from edgesdk.report.drawing import BOX_HEIGHT, BOX_WIDTH, GAP, Drawing, draw, isotonic

Edges = list[tuple[int, int]]


@st.composite
def graphs(draw_from: st.DrawFn) -> tuple[int, Edges]:
    count = draw_from(st.integers(1, 30))
    pair = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    edges = draw_from(st.lists(pair, max_size=60))
    return count, list({(min(e), max(e)) for e in edges if e[0] != e[1]})


def overlapping(drawing: Drawing) -> list[tuple[int, int]]:
    boxes = drawing.boxes
    return [
        (i, j)
        for i, (x, y) in enumerate(boxes)
        for j, (u, v) in enumerate(boxes[:i])
        if abs(x - u) < BOX_WIDTH + GAP - 1 and abs(y - v) < BOX_HEIGHT
    ]


@given(graphs())
def test_boxes_keep_their_distance_and_lie_inside(graph: tuple[int, Edges]) -> None:
    drawing = draw(*graph)
    assert not overlapping(drawing)
    for x, y in drawing.boxes:
        assert 0 <= x <= drawing.width - BOX_WIDTH + 1
        assert 0 <= y <= drawing.height - BOX_HEIGHT


@given(graphs())
def test_every_edge_runs_down_from_its_source_to_its_reader(graph: tuple[int, Edges]) -> None:
    drawing = draw(*graph)
    assert sorted((a, b) for a, b, _ in drawing.paths) == sorted(graph[1])
    for a, b, points in drawing.paths:
        heights = [y for _, y in points]
        assert heights == sorted(heights)
        assert points[0][1] == drawing.boxes[a][1] + BOX_HEIGHT
        assert points[-1][1] == drawing.boxes[b][1]


def test_a_chain_is_one_straight_column() -> None:
    drawing = draw(50, [(i, i + 1) for i in range(49)])
    assert len({x for x, _ in drawing.boxes}) == 1
    assert drawing.width == BOX_WIDTH


def test_a_long_skip_edge_is_straight_beside_its_chain() -> None:
    drawing = draw(8, [*((i, i + 1) for i in range(7)), (0, 7)])
    (points,) = (points for a, b, points in drawing.paths if (a, b) == (0, 7))
    assert len({x for x, _ in points[1:-1]}) == 1


def test_a_constant_input_is_drawn_next_to_its_first_reader() -> None:
    """Node 1 has no source; without the move it would lie in the first row, far from its reader."""
    drawing = draw(5, [(0, 2), (2, 3), (3, 4), (1, 4)])
    assert drawing.boxes[1][1] == drawing.boxes[3][1]


def test_two_crossing_edges_are_untangled() -> None:
    drawing = draw(4, [(0, 3), (1, 2)])
    x = [place for place, _ in drawing.boxes]
    assert (x[0] < x[1]) == (x[3] < x[2])


def test_a_thousand_nodes_with_many_lanes_do_not_overlap() -> None:
    edges = [(i, i + 1) for i in range(999)] + [(i, i + 7) for i in range(0, 990, 3)]
    assert not overlapping(draw(1000, edges))


def test_a_long_network_of_lopsided_blocks_does_not_drift_sideways() -> None:
    """Each block has two lanes on one side of its chain of three."""
    edges = []
    for start in range(0, 300, 4):
        edges += [(start + i, start + i + 1) for i in range(4)]
        edges += [(start, start + 3), (start, start + 4)]
    assert draw(301, edges).width < 3 * BOX_WIDTH


def test_nothing_is_an_empty_drawing() -> None:
    assert draw(0, []) == Drawing(0, 0, (), ())


def test_an_edge_against_the_order_is_drawn_too() -> None:
    drawing = draw(2, [(0, 1), (1, 0)])
    assert len(drawing.paths) == 2


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0.1, 10)), min_size=1, max_size=40))
def test_isotonic_regression_is_monotone_and_keeps_the_weighted_mean(
    pairs: list[tuple[float, float]],
) -> None:
    values, weights = zip(*pairs, strict=True)
    found = isotonic(values, weights)
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(found))
    mean = sum(v * w for v, w in pairs)
    assert abs(mean - sum(v * w for v, w in zip(found, weights, strict=True))) < 1e-6


def test_a_sequence_that_rises_already_stays() -> None:
    assert isotonic([1, 2, 5], [1, 1, 1]) == [1, 2, 5]
    assert isotonic([3, 1], [1, 1]) == [2, 2]
    assert isotonic([3, 1], [3, 1]) == [2.5, 2.5]
