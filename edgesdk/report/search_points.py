"""The Pareto front of a search, as the report shows it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgesdk.report.contents import FrontPoint
from edgesdk_quant.bit_allocation import Configuration

SEARCHED_METRIC = "output SQNR, dB"
WIDE = 8


def points_of(front: Sequence[Configuration]) -> tuple[FrontPoint, ...]:
    """A point for each configuration; one that does no harm at all has no SQNR and no point."""
    return tuple(
        FrontPoint(
            describe(point),
            point.weight_bytes,
            point.damage.sqnr_db,
            point.latency_ms,
            point.chosen,
        )
        for point in front
        if math.isfinite(point.damage.sqnr_db)
    )


def describe(point: Configuration) -> str:
    """A configuration in words."""
    wide = sum(bits == WIDE for bits in point.bits.values())
    return f"{wide} of {len(point.bits)} layers in 8 bits"
