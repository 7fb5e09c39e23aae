"""`edgesdk report`: everything about an artifact on one page."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgesdk.cli.options import add_data, add_json
from edgesdk.cli.output import print_json
from edgesdk.cli.progress import progress_bar
from edgesdk.cli.verb import Verb

if TYPE_CHECKING:
    from edgesdk.report import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("artifact", help=".onnx or .tflite file; its sibling is proved too")
    parser.add_argument("--reference", help="float .onnx file, or package.module:factory")
    parser.add_argument("--data", help="folder of images, .npy or .npz file")
    parser.add_argument("--labels", help="CSV file: file,class (default: one folder a class)")
    add_data(parser)
    parser.add_argument(
        "--rounds", type=int, default=5, help="turns of each runtime, 0 for no timing (default 5)"
    )
    parser.add_argument(
        "-o", "--output", default="report.html", help=".html or .json file (default report.html)"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Gather, write, and say what to do next."""
    from edgesdk.report import report_artifact, write_report
    from edgesdk.report.file import check_target
    from edgesdk.sources import model_named

    check_target(options.output)
    with progress_bar(quiet=options.json) as progress:
        report = report_artifact(
            options.artifact,
            None if options.reference is None else model_named(options.reference),
            options.data,
            options.labels,
            preprocess=options.preprocess,
            limit=options.limit,
            rounds=options.rounds,
            progress=progress,
        )
    write_report(report, options.output)
    if options.json:
        print_json(report)
    else:
        print_report(report, options.output)
    return 0


def print_report(report: Report, path: str) -> None:
    """Print where the page is, and its advice."""
    print(f"Report: {path}")
    for advice in report.advice:
        print(f"- {advice.finding} {advice.action}")
        if advice.command:
            print(f"    {advice.command}")


VERB = Verb("everything about an artifact on one HTML page", add_arguments, run)
