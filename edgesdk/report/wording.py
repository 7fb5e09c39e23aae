"""Numbers as people read them."""

from __future__ import annotations

import math

from edgesdk.report.network import Shape

MISSING = "\N{EN DASH}"
TIMES = " \N{MULTIPLICATION SIGN} "


def in_bytes(size: int) -> str:
    """A size in decimal units."""
    return f"{_scaled(size)}B"


def count(number: int) -> str:
    """A large number: 4.63 M."""
    return _scaled(number).rstrip()


def _scaled(number: float) -> str:
    for unit, step in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= step:
            return f"{number / step:.3g} {unit}"
    return f"{number:g} "


def decibel(value: float | None) -> str:
    """A ratio in dB; an exact value has no noise."""
    if value is None or math.isnan(value):
        return MISSING
    return "exact" if value == math.inf else f"{value:.1f}"


def percent(value: float | None) -> str:
    """Percent with two decimals."""
    return MISSING if value is None else f"{value:.2f}"


def milliseconds(value: float | None) -> str:
    """Three significant digits."""
    return MISSING if value is None else f"{value:.3g}"


def shape_text(shape: Shape | None) -> str:
    """Dimensions with a cross between, ? for an open one; nothing where they are unknown."""
    if shape is None:
        return ""
    return TIMES.join("?" if size is None else str(size) for size in shape) or "scalar"
