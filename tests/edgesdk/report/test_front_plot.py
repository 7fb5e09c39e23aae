"""The Pareto front."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgesdk.report.contents import FrontPoint
from edgesdk.report.front_plot import front_plot, front_points

POINTS = st.builds(
    FrontPoint, st.just("p"), st.integers(1, 10**7), st.floats(0, 100), st.none(), st.booleans()
)


@given(st.lists(POINTS, min_size=1, max_size=30))
def test_nothing_beats_a_point_of_the_front(points: list[FrontPoint]) -> None:
    front = front_points(points)
    for kept in front:
        assert not any(
            (p.size_bytes <= kept.size_bytes and p.metric > kept.metric)
            or (p.size_bytes < kept.size_bytes and p.metric >= kept.metric)
            for p in points
        )
    for point in points:
        assert any(p.size_bytes <= point.size_bytes and p.metric >= point.metric for p in front)


def test_the_chosen_point_is_marked_and_names_are_escaped() -> None:
    points = [FrontPoint("<a>", 10, 1.0), FrontPoint("b", 20, 2.0, 3.5, chosen=True)]
    text = front_plot(points)
    assert text.count("<circle") == 2
    assert text.count('class="chosen"') == 1
    assert "&lt;a&gt;: 10 B, 1.00" in text
    assert "b: 20 B, 2.00, 3.5 ms" in text


def test_one_point_alone_can_be_drawn() -> None:
    assert "nan" not in front_plot([FrontPoint("only", 10, 1.0)])


def test_points_with_a_latency_are_ordered_by_it() -> None:
    points = [FrontPoint("slow", 10, 2.0, 9.0), FrontPoint("fast", 20, 1.0, 3.0)]
    assert [point.name for point in front_points(points)] == ["fast", "slow"]
    assert ">latency<" in front_plot(points)
    assert ">size<" in front_plot([*points, FrontPoint("untimed", 5, 0.5)])


def test_ticks_are_round_numbers_inside_the_range() -> None:
    text = front_plot([FrontPoint("a", 1000, 20.0), FrontPoint("b", 2000, 30.0)], "SQNR")
    for tick in (20, 22, 24, 26, 28, 30):
        assert f">{tick}<" in text
