"""The Pareto front of a search as a table."""

from __future__ import annotations

from edgesdk.cli.output import in_bytes, print_table
from edgesdk.quantized import Quantized


def print_front(quantized: Quantized) -> None:
    """Size or latency against damage, the chosen one marked; nothing without a search."""
    if not quantized.front:
        return
    from edgesdk.report.search_points import describe

    searched = None if quantized.origin is None else quantized.origin.searched
    latencies = None if searched is None else searched.latencies
    rows = [
        (
            "->" if point.chosen else "",
            describe(point),
            in_bytes(point.weight_bytes),
            *([] if point.latency_ms is None else [f"{point.latency_ms:.3f}"]),
            f"{point.damage.sqnr_db:.2f}",
            f"{100 * point.damage.flips:.1f}",
        )
        for point in quantized.front
    ]
    timed = [] if latencies is None else [">ms by layers"]
    columns = ["", "configuration", ">weights", *timed, ">output SQNR dB", ">other answers %"]
    where = "" if latencies is None else f"; {latencies.clock}"
    print_table(f"Pareto front of the search{where}", columns, rows)
    if searched is not None and searched.whole is not None:
        print(searched.whole.sentence)
