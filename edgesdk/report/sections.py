"""Sections that are plain HTML: advice, Pareto front, fusion, what stayed float, recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgesdk.report.contents import FLOAT, WEIGHTS, Advice, Report
from edgesdk.report.front_plot import front_plot
from edgesdk.report.markup import Markup, join, tag
from edgesdk.report.wording import (
    MISSING,
    in_bytes,
    milliseconds,
)

FEW_NAMES = 4


def section(name: str, title: str, *children: str) -> Markup:
    """A section of the page under a heading; the navigation leads to it by its name."""
    return tag("section", tag("h2", title), *children, id=name)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """A table; columns whose name begins with ">" hold numbers. The title is read, not shown."""
    classes = ["num" if name.startswith(">") else None for name in columns]
    head = [
        tag("th", name.lstrip(">"), class_=kind, scope="col")
        for name, kind in zip(columns, classes, strict=True)
    ]
    body = [
        tag("tr", *(tag("td", cell, class_=k) for cell, k in zip(row, classes, strict=True)))
        for row in rows
    ]
    whole = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *body))
    return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_label=title)


def advice(report: Report) -> Markup:
    """What to do next."""
    return section(
        "next", "What to do next", tag("ol", *map(_advice, report.advice), class_="steps")
    )


def _advice(item: Advice) -> Markup:
    parts: list[str] = [tag("strong", item.finding), tag("p", item.action)]
    if item.recipe:
        name = item.command.partition("--recipe ")[2].partition(" ")[0]
        parts.append(tag("details", tag("summary", name), tag("pre", item.recipe)))
    if item.command:
        parts.append(tag("pre", tag("code", item.command)))
    return tag("li", *parts)


def front(report: Report) -> Markup:
    """The Pareto front of a search."""
    timed = any(point.latency_ms is not None for point in report.front)
    rows = [
        (
            point.name + (" (chosen)" if point.chosen else ""),
            in_bytes(point.size_bytes),
            *([milliseconds(point.latency_ms)] if timed else []),
            f"{point.metric:.2f}",
        )
        for point in sorted(report.front, key=lambda point: point.size_bytes)
    ]
    columns = ["configuration", ">size", *([">ms"] if timed else []), f">{report.metric}"]
    about = (
        "What the search evaluated: a point is a choice of widths for all layers, and the line "
        "joins those that no other beats in both. Point at one to read it."
    )
    listed = tag("details", tag("summary", "All points"), table("Configurations", columns, rows))
    plot = front_plot(report.front, report.metric)
    return section("front", "Pareto front", tag("p", about), plot, listed)


def fusions(report: Report) -> Markup:
    """What each runtime runs in its integer kernels."""
    audits = () if report.verification is None else report.verification.audits
    rows = [
        (
            audit.runtime,
            fusion.op,
            f"{fusion.fused} of {fusion.total}",
            _named(fusion.left) or ("" if fusion.fused == fusion.total else MISSING),
        )
        for audit in audits
        for fusion in audit.fusions
    ]
    about = (
        "As the runtimes say themselves: the graph that ONNX Runtime makes of the file, and the "
        "plan that LiteRT makes for its delegate."
    )
    listed = table("Fusion", ["runtime", "operator", ">fused", "left out"], rows)
    return section("fusion", "Fusion, runtime by runtime", tag("p", about), listed)


def _named(names: Sequence[str]) -> str:
    """The first names, and all of them where a reader asks for them."""
    if len(names) <= FEW_NAMES:
        return ", ".join(names)
    first = f"{', '.join(names[:FEW_NAMES])} and {len(names) - FEW_NAMES} more"
    return tag("details", tag("summary", first), ", ".join(names))


# Kinds of layers, in words.
KINDS: Sequence[tuple[Callable[[str], bool], str]] = (
    (lambda kind: kind.startswith("int"), "on integers"),
    (lambda kind: kind == WEIGHTS, "in float with integer weights"),
    (lambda kind: kind == FLOAT, "in float"),
)


def kept_float(report: Report) -> Markup:
    """What stayed float and why."""
    items = [
        tag(
            "li",
            tag("strong", kept.reason or "the file does not say why"),
            tag("div", f"{len(kept.nodes)}: ", _named(kept.nodes)),
        )
        for kept in report.kept_float
    ]
    counts = [
        f"{number} operators run {text}"
        for fits, text in KINDS
        if (number := sum(fits(layer.kind) for layer in report.layers))
    ]
    about = ("" if items else "Nothing. ") + f"{', '.join(counts)}."
    listed = [tag("ul", *items, class_="steps")] if items else []
    return section("float", "What stayed float", tag("p", about), *listed)


def origin(report: Report) -> Markup:
    """Recipe, versions, hashes."""
    entries = [
        join(tag("dt", key), tag("dd", value)) for key, value in (report.provenance or {}).items()
    ]
    recipe = (
        [tag("details", tag("summary", "Recipe"), tag("pre", report.recipe))]
        if report.recipe
        else []
    )
    return section("origin", "How it was made", *recipe, tag("dl", *entries, class_="facts"))
