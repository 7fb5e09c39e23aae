"""`edgesdk evaluate`: how often a classifier is right."""

from __future__ import annotations

import argparse

from edgesdk.cli.options import add_data, add_json, add_runtime
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk.cli.verb import Verb


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("model", help=".onnx or .tflite file")
    parser.add_argument("--data", required=True, help="folder of images, .npy or .npz file")
    parser.add_argument("--labels", help="CSV file: file,class (default: one folder a class)")
    add_data(parser)
    add_runtime(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Evaluate and print."""
    from edgesdk.api import evaluate

    with progress_bar(quiet=options.json) as progress:
        result = evaluate(
            options.model,
            options.data,
            options.labels,
            runtime=options.runtime,
            preprocess=options.preprocess,
            limit=options.limit,
            threads=options.threads,
            progress=progress,
        )
    found = result.accuracy
    if options.json:
        print_json(result)
    else:
        print_table(
            f"{result.model} on {result.runtime}",
            [">samples", ">without label", ">top-1 %", ">top-5 %"],
            [
                (
                    str(found.samples),
                    str(found.unlabelled),
                    f"{found.top1:.2f}",
                    "-" if found.top5 is None else f"{found.top5:.2f}",
                )
            ],
        )
    return 0


VERB = Verb("measure the accuracy of a classifier", add_arguments, run)
