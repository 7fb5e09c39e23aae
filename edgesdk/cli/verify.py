"""`edgesdk verify`: the proof of an artifact, as tables or JSON."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgesdk.cli.options import add_data, add_json, names
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk.cli.verb import Verb

if TYPE_CHECKING:
    from edgesdk.verification import LayerDamage, RuntimeResult, Verification


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("artifact", help=".onnx or .tflite file; its sibling is verified too")
    parser.add_argument(
        "--reference", required=True, help="float .onnx file, or package.module:factory"
    )
    parser.add_argument("--data", required=True, help="folder of images, .npy or .npz file")
    parser.add_argument("--labels", help="CSV file: file,class")
    add_data(parser)
    parser.add_argument("--runtimes", help="e.g. native,litert (default: all that are installed)")
    parser.add_argument("--threads", type=int, default=1, help="1 to 64 (default 1)")
    parser.add_argument("--layers", type=int, default=5, help="how many worst layers (default 5)")
    parser.add_argument("--min-sqnr", type=float, help="dB; exit code 1 below it")
    parser.add_argument(
        "--max-drop", type=float, help="points of top-1, without labels of agreement; exit code 1"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Verify and print; 1 where a threshold is not met."""
    from edgesdk.api import verify
    from edgesdk.sources import model_named
    from edgesdk.verification import Border

    with progress_bar(quiet=options.json) as progress:
        result = verify(
            options.artifact,
            model_named(options.reference),
            options.data,
            options.labels,
            preprocess=options.preprocess,
            limit=options.limit,
            runtimes=names(options.runtimes) if options.runtimes else None,
            border=Border(options.min_sqnr, options.max_drop),
            layers=options.layers,
            threads=options.threads,
            progress=progress,
        )
    if options.json:
        print_json(result)
    else:
        print_verification(result)
    return 0 if result.passed else 1


def print_verification(result: Verification) -> None:
    """Print the tables: runtimes, audits, worst layers, notes."""
    first = ("float model", "onnxruntime", _percent(result.float_top1), "", "", "")
    print_table(
        f"{', '.join(result.artifacts)} on {result.samples} samples",
        ["artifact", "runtime", ">top-1 %", ">agrees %", ">SQNR dB", ">differs from simulation"],
        [first, *(_row(r) for r in result.results if not r.failure)],
    )
    for audit in result.audits:
        left = [f"{fusion.op}: {', '.join(fusion.left)}" for fusion in audit.fusions if fusion.left]
        print(f"{audit.runtime}: {audit}" + (f"; left: {'; '.join(left)}" if left else ""))
    print()
    print_table(
        "Worst layers",
        ["tensor", "operator", ">SQNR dB", ">drop dB", "cause"],
        [_layer(damage) for damage in result.layers],
    )
    if result.origins:
        found = "; ".join(map(str, result.origins))
        print(f"onnxruntime and the simulation part at {found}. Later operators pass it on.")
    for failed in (r for r in result.results if r.failure):
        print(f"{failed.artifact} does not run on {failed.runtime}: {failed.failure}")
    for sentence in (*result.notes, *result.missed):
        print(sentence)


def _row(result: RuntimeResult) -> tuple[str, ...]:
    simulated = result.runtime == "reference"
    return (
        result.artifact,
        "simulation" if simulated else result.runtime,
        _percent(result.top1),
        _percent(result.agreement),
        "-" if result.sqnr_db is None else f"{result.sqnr_db:.2f}",
        "" if simulated else _difference(result),
    )


def _difference(result: RuntimeResult) -> str:
    if result.different is None:
        return "-"
    if not result.different:
        return f"0 of {result.elements}"
    return f"{result.different} of {result.elements}, {result.largest_in_words}"


def _layer(damage: LayerDamage) -> tuple[str, ...]:
    cause = f"{damage.cause.kind}: {damage.cause.sentence}"
    return damage.tensor, damage.op, f"{damage.sqnr_db:.2f}", f"{damage.drop_db:.2f}", cause


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


VERB = Verb(
    "prove an artifact: float, simulation and real runtimes on real data", add_arguments, run
)
