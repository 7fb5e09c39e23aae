"""The page: one HTML file that needs nothing else, a pure function of a report."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from importlib import resources
from string import Template
from typing import Any

from edgesdk.plain import to_plain
from edgesdk.report import sections
from edgesdk.report.contents import Layer, Report
from edgesdk.report.drawing import BOX_HEIGHT, BOX_WIDTH, Drawing, draw
from edgesdk.report.layer_table import layer_table, operator_text
from edgesdk.report.layers import edges_of
from edgesdk.report.markup import Markup, tag
from edgesdk.report.network import Constant
from edgesdk.report.summary import summary
from edgesdk.report.wording import shape_text

SCRIPTS = (
    "measures.js",
    "histogram.js",
    "details.js",
    "graph.js",
    "moving.js",
    "table.js",
    "main.js",
)

LONGEST_LABEL = 22
# Name of a section, its title in the navigation, what makes it, whether a report has it.
PARTS: Sequence[tuple[str, str, Callable[[Report], Markup], Callable[[Report], bool]]] = (
    ("summary", "Summary", summary, lambda report: True),
    ("next", "Next", sections.advice, lambda report: bool(report.advice)),
    ("graph", "Graph", lambda report: _graph(), lambda report: True),
    ("layers", "Layers", lambda report: _layers(report), lambda report: True),
    ("front", "Pareto front", sections.front, lambda report: bool(report.front)),
    (
        "fusion",
        "Fusion",
        sections.fusions,
        lambda report: report.verification is not None and bool(report.verification.audits),
    ),
    (
        "float",
        "Float",
        sections.kept_float,
        lambda report: bool(report.provenance) and _is_quantized(report),
    ),
    ("origin", "Origin", sections.origin, lambda report: bool(report.provenance)),
)


def page(report: Report) -> str:
    """The whole HTML text; the same report gives the same text.

    Every name that the model gives is escaped, and the page's policy lets only its own script run
    and nothing be loaded.
    """
    parts = [part for part in PARTS if part[3](report)]
    style, script = _asset("page.css"), _script()
    return Template(_asset("page.html")).substitute(
        policy=_policy(style, script),
        title=tag("title", f"{report.title} - EdgeSDK"),
        style=style,
        heading=tag("h1", report.title),
        subtitle=tag("p", _subtitle(report), class_="subtitle"),
        navigation=tag("nav", *(tag("a", p[1], href=f"#{p[0]}") for p in parts), aria_label="Page"),
        main=tag("main", *(make(report) for _, _, make, _ in parts)),
        data=json_in_html(page_data(report)),
        script=script,
    )


def page_data(report: Report) -> dict[str, Any]:
    """What the script draws: layers, and the two views of the graph."""
    nodes = report.network.nodes
    layers = draw(len(report.layers), report.grouping.edges)
    views = [
        _view(
            "Layers",
            layers,
            [_short_label(layer) for layer in report.layers],
            range(len(report.layers)),
        )
    ]
    if len(nodes) > len(report.layers):
        every = draw(len(nodes), edges_of(nodes))
        labels = [node.op for node in nodes]
        views.append(_view("With Q/DQ", every, labels, report.grouping.owner))
    return {
        "box": [BOX_WIDTH, BOX_HEIGHT],
        "layers": [_layer(layer) for layer in report.layers],
        "views": views,
    }


def json_in_html(value: Any) -> str:
    """JSON that no text in it can leave: `<`, `>` and `&` are written as escapes."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _view(
    title: str, drawing: Drawing, labels: Sequence[str], layers: Sequence[int]
) -> dict[str, Any]:
    return {
        "title": title,
        "size": [drawing.width, drawing.height],
        "boxes": [
            [*box, layer, label]
            for box, layer, label in zip(drawing.boxes, layers, labels, strict=True)
        ],
        "paths": [
            [source, target, [number for point in points for number in point]]
            for source, target, points in drawing.paths
        ],
    }


def _short_label(layer: Layer) -> str:
    """What fits into a box: the operator with its activation, or alone where that is too long."""
    text = operator_text(layer)
    return text if len(text) <= LONGEST_LABEL else layer.op


def _layer(layer: Layer) -> dict[str, Any]:
    """What the script shows of a layer; what it does not have is left out."""
    result = layer.result
    found = {
        "name": layer.name,
        "label": operator_text(layer),
        "bits": layer.bits,
        "why": layer.why_float,
        "dtype": result and result.dtype,
        "shape": shape_text(result.shape) if result else "",
        "grid": result and to_plain(result.grid),
        "macs": layer.macs,
        "parameters": layer.parameters,
        "constants": [_constant(c) for c in layer.constants if c.is_parameter],
        "activations": to_plain(layer.activations),
        "damage": to_plain(layer.damage),
        "time": to_plain(layer.time),
    }
    return {key: value for key, value in found.items() if value}


def _constant(constant: Constant) -> dict[str, Any]:
    scales = f", {constant.scales} scales" if constant.scales > 1 else ""
    return {
        "title": f"{constant.dtype} {shape_text(constant.shape)}{scales}: {constant.name}",
        "bins": to_plain(constant.bins),
    }


def _subtitle(report: Report) -> str:
    recipe = report.recipe.partition('name = "')[2].partition('"')[0]
    integers = sum(layer.kind.startswith("int") for layer in report.layers)
    words = [recipe, report.network.format.upper(), f"{len(report.layers)} layers"]
    words.append(f"{integers} on integers" if integers else "")
    return " · ".join(word for word in words if word)


def _is_quantized(report: Report) -> bool:
    return any(layer.kind.startswith("int") or layer.kind == "weights" for layer in report.layers)


def _graph() -> Markup:
    """The frame that the script fills."""
    return Markup(_asset("graph.html"))


def _layers(report: Report) -> Markup:
    tools = tag(
        "div",
        tag("label", "Filter", for_="table-filter"),
        tag("input", id="table-filter", type="search", placeholder="name, operator, cause"),
        tag("output", "", id="table-count", for_="table-filter"),
        class_="tools",
    )
    return sections.section("layers", "Layers", tools, layer_table(report))


def _script() -> str:
    """The files of the script in one closure."""
    return '(() => {\n"use strict";\n' + "".join(map(_asset, SCRIPTS)) + "})();\n"


def _policy(style: str, script: str) -> str:
    return f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (resources.files("edgesdk.report") / "assets" / name).read_text(encoding="utf-8")
