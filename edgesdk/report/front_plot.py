"""The Pareto front as a drawing: what it costs to the right, the task's metric upwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgesdk.report.contents import FrontPoint
from edgesdk.report.markup import Markup, join, tag
from edgesdk.report.wording import in_bytes, milliseconds

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 30, 48
TICKS = 8


@dataclass(frozen=True)
class Cost:
    """What the points are ordered by.

    Attributes:
        title: of the axis.
        value: of a point.
        text: of a value.
    """

    title: str
    value: Callable[[FrontPoint], float]
    text: Callable[[float], str]


SIZE = Cost("size", lambda point: point.size_bytes, lambda value: in_bytes(round(value)))
LATENCY = Cost(
    "latency", lambda point: point.latency_ms or 0.0, lambda value: f"{milliseconds(value)} ms"
)


def cost_of(points: Sequence[FrontPoint]) -> Cost:
    """Latency where every point has one, as a search for it gives; else size."""
    return SIZE if any(point.latency_ms is None for point in points) else LATENCY


def front_points(points: Sequence[FrontPoint]) -> list[FrontPoint]:
    """The points that no other beats in cost and metric at once, by cost."""
    cost = cost_of(points).value
    best: list[FrontPoint] = []
    for point in sorted(points, key=lambda p: (cost(p), -p.metric)):
        if not best or point.metric > best[-1].metric:
            best.append(point)
    return best


def front_plot(points: Sequence[FrontPoint], metric: str = "metric") -> Markup:
    """An SVG of all points, the front as a line, the chosen one marked.

    Args:
        points: at least one.
        metric: what they are judged by.
    """
    cost = cost_of(points)
    x = _Axis([cost.value(p) for p in points], LEFT, WIDTH - RIGHT)
    y = _Axis([p.metric for p in points], HEIGHT - BOTTOM, TOP)
    line = " ".join(f"{x(cost.value(p)):.1f},{y(p.metric):.1f}" for p in front_points(points))
    return tag(
        "svg",
        *(_row(tick, y(tick)) for tick in y.ticks()),
        *(_column(cost.text(tick), x(tick)) for tick in x.ticks()),
        tag("line", x1=LEFT, y1=HEIGHT - BOTTOM, x2=WIDTH - RIGHT, y2=HEIGHT - BOTTOM),
        tag("text", metric, x=LEFT, y=TOP - 14),
        tag("text", cost.title, x=WIDTH - RIGHT, y=HEIGHT - 8, text_anchor="end"),
        tag("polyline", points=line),
        *(_dot(point, cost, x(cost.value(point)), y(point.metric)) for point in points),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="front",
        role="img",
        aria_label=f"Pareto front: {cost.title} against {metric}",
    )


def _row(tick: float, y: float) -> Markup:
    return join(
        tag("line", x1=LEFT, y1=f"{y:.1f}", x2=WIDTH - RIGHT, y2=f"{y:.1f}", class_="grid"),
        tag("text", f"{tick:g}", x=LEFT - 8, y=f"{y + 4:.1f}", text_anchor="end"),
    )


def _column(text: str, x: float) -> Markup:
    return tag("text", text, x=f"{x:.1f}", y=HEIGHT - BOTTOM + 20, text_anchor="middle")


def _dot(point: FrontPoint, cost: Cost, x: float, y: float) -> Markup:
    time = "" if point.latency_ms is None else f", {milliseconds(point.latency_ms)} ms"
    title = f"{point.name}: {in_bytes(point.size_bytes)}, {point.metric:.2f}{time}"
    kind = "chosen" if point.chosen else None
    dot = tag(
        "circle", tag("title", title), cx=f"{x:.1f}", cy=f"{y:.1f}", r=6 if kind else 4, class_=kind
    )
    if not point.chosen:
        return dot
    # The front rises, so that the place below and to the right of a point is free.
    far = x > WIDTH / 2
    anchor, shift = ("end", 0) if far else ("start", 12)
    words = f"chosen: {point.name}"
    place = {"x": f"{x + shift:.1f}", "y": f"{y + 22:.1f}"}
    return join(dot, tag("text", words, text_anchor=anchor, class_="name", **place))


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

    def ticks(self) -> list[float]:
        """Round numbers inside the range, about TICKS of them."""
        rough = (self.high - self.low) / TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(i * step, 12) for i in range(first, last + 1)]
