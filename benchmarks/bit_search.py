"""Bit allocation on EfficientNet-Lite0: linear program, greedy and RL agent on the same budget.

Each may look at the network as often as the others: the sensitivity table costs one evaluation for
each layer and width, and the agent gets as many episodes. What comes out is judged alike: noise of
the outputs with all layers rounded at once, on the same images.

Run: python -m benchmarks.bit_search [--images DIR] [--budget 0.13] [--samples 16] [--json]
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.data import shared_data
from edgesdk.capture import capture
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk_quant.bit_allocation import METHODS, judge_of
from edgesdk_quant.data import open_data
from edgesdk_quant.placement import place
from edgesdk_quant.progress import Progress
from edgesdk_quant.recipe import SEARCHED_BITS, Recipe
from edgesdk_quant.search import Allocation
from edgesdk_quant.search.haq import allocate_by_agent
from edgesdk_quant.weights import Run
from edgesdk_quant.widths import float_bytes, table_of_bytes
from edgesdk_targets import load
from examples.models import efficientnet_lite


@dataclass(frozen=True)
class Row:
    """One search: bytes of all weights, and what they do to the outputs."""

    method: str
    evaluations: int
    weight_bytes: float
    eight_bit_layers: int
    sqnr_db: float
    flips_percent: float


def compare(
    images: Path, budget: float, samples: int, seed: int, progress: Progress, workdir: Path
) -> list[Row]:
    """Run the three searches."""
    graph, target, recipe = (
        capture(efficientnet_lite.build()),
        load("generic"),
        Recipe.load("w4a8"),
    )
    placement = place(graph, recipe, target)
    run = Run(open_data(images, efficientnet_lite.preprocess()), recipe, progress, workdir)
    judge = judge_of(graph, placement, target, run, samples)
    table = table_of_bytes(graph, placement, judge.table(SEARCHED_BITS, progress))
    measured = sum(len(choices) for choices in table.values())
    limit = budget * float_bytes(graph, placement)
    searches = {name: partial(search, table, limit, "bytes") for name, search in METHODS.items()}
    searches["RL agent (HAQ)"] = partial(
        allocate_by_agent, table, limit, "bytes", lambda b: judge.damage(b).noise, measured, seed
    )

    def row(name: str, found: Allocation) -> Row:
        damage = judge.damage(found.bits)
        wide = sum(bits == 8 for bits in found.bits.values())
        return Row(name, measured, found.cost, wide, damage.sqnr_db, 100 * damage.flips)

    return [row(name, search()) for name, search in searches.items()]


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, help="folder of images")
    parser.add_argument("--budget", type=float, default=0.13, help="share of the float weights")
    parser.add_argument("--samples", type=int, default=16, help="images that judge")
    parser.add_argument("--seed", type=int, default=0, help="of the agent")
    parser.add_argument("--workdir", type=Path, help="keeps what was measured")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    images = options.images or shared_data() / "imagenet" / "images"
    with progress_bar(quiet=options.json) as progress, TemporaryDirectory() as folder:
        workdir = options.workdir or Path(folder)
        rows = compare(images, options.budget, options.samples, options.seed, progress, workdir)
    if options.json:
        print_json([asdict(row) for row in rows])
        return
    head = ["search", ">evaluations", ">weight bytes", ">8-bit layers", ">SQNR dB", ">flips %"]
    cells = [
        (r.method, str(r.evaluations), f"{r.weight_bytes:,.0f}", str(r.eight_bit_layers),
         f"{r.sqnr_db:.2f}", f"{r.flips_percent:.1f}")
        for r in rows
    ]  # fmt: skip
    print_table(f"{options.budget:.4f} of the float weights", head, cells)


if __name__ == "__main__":
    main()
