"""The table of layers; the script of the page sorts and filters it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgesdk.report.contents import BORDER, Layer, Report
from edgesdk.report.markup import Markup, tag
from edgesdk.report.wording import count, decibel, in_bytes, shape_text


@dataclass(frozen=True)
class Column:
    """A column of numbers or text.

    Attributes:
        title: its heading.
        text: what a cell shows.
        value: what it is sorted by; None for text, and where a layer has no such figure.
        about: explains the heading.
        lowest_first: a first click shows the lowest figures, as those are the bad ones.
    """

    title: str
    text: Callable[[Layer], str]
    value: Callable[[Layer], float | None] | None = None
    about: str = ""
    lowest_first: bool = False


def operator_text(layer: Layer) -> str:
    """An operator with what is fused into it: "Conv + Clip"."""
    return " + ".join((layer.op, *layer.fused))


def _sqnr(layer: Layer) -> float | None:
    return None if layer.damage is None else layer.damage.sqnr_db


def _drop(layer: Layer) -> float | None:
    return None if layer.damage is None else layer.damage.drop_db


def _clipped(layer: Layer) -> float | None:
    return None if layer.damage is None else 100 * layer.damage.clipped


def _time(layer: Layer) -> float | None:
    return None if layer.time is None else layer.time.microseconds


def _shape(layer: Layer) -> str:
    return "" if layer.result is None else shape_text(layer.result.shape).replace(" ", "")


def _number(value: float | None, pattern: str) -> str:
    return "" if value is None else format(value, pattern)


COLUMNS: Sequence[Column] = (
    Column("Operator", operator_text),
    Column("Bits", lambda layer: layer.bits, about="of its weights (w) and activations (a)"),
    Column("Output", lambda layer: _shape(layer)),
    Column(
        "SQNR dB",
        lambda layer: decibel(_sqnr(layer)) if layer.damage else "",
        _sqnr,
        "signal to quantization noise of its result against the float model",
        lowest_first=True,
    ),
    Column(
        "Added dB",
        lambda layer: _number(_drop(layer), ".1f"),
        _drop,
        "how much worse than its worst input",
    ),
    Column(
        "Clipped %",
        lambda layer: _number(_clipped(layer), ".3g"),
        _clipped,
        "float values beyond the range that is kept",
    ),
    Column(
        "Time µs",
        lambda layer: _number(_time(layer), ".1f"),
        _time,
        "native, one thread; of operators that run as one, the last has the time of all",
    ),
    Column("MACs", lambda layer: count(layer.macs) if layer.macs else "", lambda layer: layer.macs),
    Column(
        "Params",
        lambda layer: count(layer.parameters) if layer.parameters else "",
        lambda layer: layer.parameters,
    ),
    Column(
        "Size",
        lambda layer: in_bytes(layer.stored_bytes) if layer.stored_bytes else "",
        lambda layer: layer.stored_bytes,
        "of its constants, scales left out",
    ),
    Column(
        "Cause",
        lambda layer: layer.damage.cause.kind if layer.damage else "",
        about="the largest source of its noise",
    ),
)


def layer_table(report: Report) -> Markup:
    """Columns that no layer fills are left out."""
    layers = [(i, layer) for i, layer in enumerate(report.layers) if layer.kind != BORDER]
    columns = [c for c in COLUMNS if any(c.text(layer) for _, layer in layers)]
    head = tag(
        "tr",
        _heading(Column("Layer", lambda layer: layer.name)),
        *(_heading(column) for column in columns),
    )
    body = [_row(i, layer, columns) for i, layer in layers]
    return tag(
        "div",
        tag("table", tag("thead", head), tag("tbody", *body), id="layer-table"),
        class_="scroll tall",
        tabindex=0,
        role="region",
        aria_label="Table of layers",
    )


def _heading(column: Column) -> Markup:
    """A button in a heading; the first click sorts as `data-first` says."""
    number = column.value is not None
    return tag(
        "th",
        tag("button", column.title, type="button", title=column.about or None),
        scope="col",
        class_="num" if number else None,
        data_first="descending" if number and not column.lowest_first else "ascending",
    )


def _row(i: int, layer: Layer, columns: Sequence[Column]) -> Markup:
    name = tag(
        "th", tag("button", layer.name, type="button", class_="link", title=layer.name), scope="row"
    )
    return tag("tr", name, *(_cell(layer, column) for column in columns), data_layer=i)


def _cell(layer: Layer, column: Column) -> Markup:
    if column.value is None:
        return tag("td", column.text(layer))
    value = column.value(layer)
    return tag("td", column.text(layer), class_="num", data_value=value)
