"""`edgesdk trace`: the bare graph of any model on one page."""

from __future__ import annotations

import argparse

from edgesdk.cli.options import add_json
from edgesdk.cli.output import print_json
from edgesdk.cli.verb import Verb


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("model", help=".onnx or .tflite file, or package.module:factory")
    parser.add_argument(
        "-o", "--output", default="graph.html", help=".html or .json file (default graph.html)"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Look, write, and print the sums."""
    from edgesdk.api import trace
    from edgesdk.report.wording import count
    from edgesdk.sources import model_named

    report = trace(model_named(options.model), options.output)
    if options.json:
        print_json(report)
        return 0
    macs = sum(layer.macs for layer in report.layers)
    print(
        f"{report.title}: {len(report.layers)} nodes, {count(report.parameters)} parameters, "
        f"{count(macs)} multiply-accumulates. Graph: {options.output}"
    )
    return 0


VERB = Verb(
    "the graph of any model, with shapes, types and cost, on one HTML page", add_arguments, run
)
