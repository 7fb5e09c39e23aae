"""`edgesdk bench`: runtimes side by side in interleaved rounds."""

from __future__ import annotations

import argparse

from edgesdk.benchmark import Benchmark, Timing, compare_runtimes
from edgesdk.cli.options import add_json, names, numbers
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk.cli.verb import Verb


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("model", help=".onnx or .tflite file")
    parser.add_argument("--runtimes", help="e.g. native,litert (default: all that are installed)")
    parser.add_argument("--threads", default="1", help="e.g. 1,2 (default 1)")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each (default 20)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Time and print."""
    with progress_bar(quiet=options.json) as progress:
        result = compare_runtimes(
            options.model,
            names(options.runtimes) if options.runtimes else None,
            numbers(options.threads),
            rounds=options.rounds,
            progress=progress,
        )
    if options.json:
        print_json(result)
    else:
        _print(result)
    return 0


def _print(result: Benchmark) -> None:
    best = min(t.p50_ms for t in result.timings)
    print_table(
        f"{result.artifact}: {result.rounds} interleaved rounds",
        ["runtime", ">threads", ">min ms", ">p50 ms", ">p90 ms", ">x best", ">load ms", ">RSS MB"],
        [_row(timing, best) for timing in result.timings],
    )
    for skipped in result.skipped:
        print(f"{skipped.runtime} is left out: {skipped.reason}")


def _row(timing: Timing, best: float) -> tuple[str, ...]:
    return (
        timing.runtime,
        str(timing.threads),
        f"{timing.min_ms:.3f}",
        f"{timing.p50_ms:.3f}",
        f"{timing.p90_ms:.3f}",
        f"{timing.p50_ms / best:.2f}",
        "-" if timing.load_ms is None else f"{timing.load_ms:.1f}",
        "-" if timing.rss_mb is None else f"{timing.rss_mb:.0f}",
    )


VERB = Verb("time runtimes side by side on a model", add_arguments, run)
