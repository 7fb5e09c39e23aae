"""A budget of latency on EfficientNet-Lite0: what the table predicts, and what the file then takes.

The table has each layer's time alone at both widths; the prediction is its sum and the rest of the
network. The search times what it chose as it really runs, fused, beside the 8-bit network.

Run: python -m benchmarks.latency_budget [--target x86-avx2] [--budget 0.9latency] [--json]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import edgesdk
from benchmarks.data import shared_data
from edgesdk.cli.front import print_front
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk_quant.data import open_data
from edgesdk_quant.progress import Progress
from examples.models import efficientnet_lite


@dataclass(frozen=True)
class Row:
    """A whole inference: as the table says, and as the clock measures."""

    name: str
    predicted_ms: float
    measured_ms: float


def measure(
    target: str, budget: str, samples: int, workdir: Path, progress: Progress
) -> tuple[edgesdk.Quantized, list[Row]]:
    """Quantize under the budget, then time the outcome."""
    data = open_data(shared_data() / "imagenet" / "images", efficientnet_lite.preprocess()).limited(
        samples
    )
    made = edgesdk.quantize(
        efficientnet_lite.build(), data, "mixed", target,
        budget=budget, workdir=workdir, progress=progress,
    )  # fmt: skip
    searched = None if made.origin is None else made.origin.searched
    if searched is None or searched.latencies is None or searched.whole is None:
        raise SystemExit(f"{budget} is no budget of latency; give e.g. 0.9latency or 12ms.")
    table, chosen = searched.latencies, searched.allocation.bits
    widest = {node: max(each) for node, each in table.layers_ms.items()}
    narrowest = {node: min(each) for node, each in table.layers_ms.items()}
    return made, [
        Row("8 bits everywhere", table.latency_ms(widest), table.total_ms[8]),
        Row("4 bits wherever allowed", table.latency_ms(narrowest), table.total_ms[4]),
        Row(f"within {budget}", table.latency_ms(chosen), searched.whole.measured_ms),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="x86-avx2", help="default %(default)s")
    parser.add_argument("--budget", default="0.9latency", help="default %(default)s")
    parser.add_argument("--samples", type=int, default=16, help="images (default 16)")
    parser.add_argument("--workdir", type=Path, help="keeps what was measured")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    with progress_bar(quiet=options.json) as progress, TemporaryDirectory() as folder:
        workdir = options.workdir or Path(folder)
        made, rows = measure(options.target, options.budget, options.samples, workdir, progress)
    if options.json:
        print_json(rows)
        return
    print_front(made)
    cells = [(r.name, f"{r.predicted_ms:.3f}", f"{r.measured_ms:.3f}") for r in rows]
    title = f"EfficientNet-Lite0 on {options.target}"
    print_table(title, ["network", ">table ms", ">measured ms"], cells)


if __name__ == "__main__":
    main()
