"""The Pareto front as a drawing: size to the right, the task's metric upwards."""

from __future__ import annotations

from collections.abc import Sequence

from edgesdk.report.contents import FrontPoint
from edgesdk.report.markup import Markup, join, tag
from edgesdk.report.wording import in_bytes, milliseconds

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 16, 40


def front_points(points: Sequence[FrontPoint]) -> list[FrontPoint]:
    """The points that no other beats in size and metric at once, by size."""
    best: list[FrontPoint] = []
    for point in sorted(points, key=lambda p: (p.size_bytes, -p.metric)):
        if not best or point.metric > best[-1].metric:
            best.append(point)
    return best


def front_plot(points: Sequence[FrontPoint], metric: str = "metric") -> Markup:
    """An SVG of all points, the front as a line, the chosen one marked.

    Args:
        points: at least one.
        metric: what they are judged by.
    """
    x = _Axis([p.size_bytes for p in points], LEFT, WIDTH - RIGHT)
    y = _Axis([p.metric for p in points], HEIGHT - BOTTOM, TOP)
    line = " ".join(f"{x(p.size_bytes):.1f},{y(p.metric):.1f}" for p in front_points(points))
    axes = [
        tag("line", x1=LEFT, y1=HEIGHT - BOTTOM, x2=WIDTH - RIGHT, y2=HEIGHT - BOTTOM),
        tag("line", x1=LEFT, y1=TOP, x2=LEFT, y2=HEIGHT - BOTTOM),
    ]
    labels = [
        tag("text", in_bytes(round(x.low)), x=LEFT, y=HEIGHT - 18),
        tag("text", in_bytes(round(x.high)), x=WIDTH - RIGHT, y=HEIGHT - 18, text_anchor="end"),
        tag("text", f"{y.low:.2f}", x=LEFT - 6, y=HEIGHT - BOTTOM, text_anchor="end"),
        tag("text", f"{y.high:.2f}", x=LEFT - 6, y=TOP + 8, text_anchor="end"),
        tag("text", "size", x=(LEFT + WIDTH) / 2, y=HEIGHT - 18, text_anchor="middle"),
        tag("text", metric, x=LEFT + 8, y=TOP + 8),
    ]
    return tag(
        "svg",
        *axes,
        *labels,
        tag("polyline", points=line),
        *(_dot(point, x(point.size_bytes), y(point.metric)) for point in points),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="front",
        role="img",
        aria_label=f"Pareto front: size against {metric}",
    )


def _dot(point: FrontPoint, x: float, y: float) -> Markup:
    time = "" if point.latency_ms is None else f", {milliseconds(point.latency_ms)} ms"
    title = f"{point.name}: {in_bytes(point.size_bytes)}, {point.metric:.2f}{time}"
    kind = "chosen" if point.chosen else None
    dot = tag(
        "circle", tag("title", title), cx=f"{x:.1f}", cy=f"{y:.1f}", r=6 if kind else 4, class_=kind
    )
    if not point.chosen:
        return dot
    anchor = "start" if x < WIDTH / 2 else "end"
    shift = 10 if x < WIDTH / 2 else -10
    name = tag("text", point.name, x=f"{x + shift:.1f}", y=f"{y + 18:.1f}", text_anchor=anchor)
    return join(dot, name)


class _Axis:
    """Maps a range of numbers onto pixels, with a little room at both ends."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low, high = min(values), max(values)
        room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
        self.low, self.high = low - room, high + room
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return self._start + part * (self._end - self._start)
