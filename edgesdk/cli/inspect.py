"""`edgesdk inspect`: what is in a model file."""

from __future__ import annotations

import argparse

from edgesdk.cli.options import add_json
from edgesdk.cli.output import in_bytes, print_json, print_table
from edgesdk.cli.verb import Verb
from edgesdk.inspection import Inspection, inspect_model
from edgesdk_runtimes.base import TensorSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("model", help=".onnx or .tflite file")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the inspection."""
    found = inspect_model(options.model)
    if options.json:
        print_json(found)
    else:
        _print(found)
    return 0


def _print(found: Inspection) -> None:
    print(f"{found.name}: {found.format}, {in_bytes(found.size_bytes)}\n")
    border = [("in", spec) for spec in found.inputs] + [("out", spec) for spec in found.outputs]
    print_table(
        "Inputs and outputs",
        ["", "name", "dtype", "shape", "scale, zero point"],
        [(side, spec.name, spec.dtype.name, _shape(spec), _scale(spec)) for side, spec in border],
    )
    print_table(
        f"Operators ({sum(c.count for c in found.operators)})",
        ["operator", ">count"],
        [(c.name, str(c.count)) for c in found.operators],
    )
    print_table(
        "Weights",
        ["type", ">constants", ">size"],
        [(c.name, str(c.count), in_bytes(c.size_bytes)) for c in found.weights],
    )
    print_table(
        "Activations",
        ["type", ">values"],
        [(c.name, str(c.count)) for c in found.activations],
    )
    one_line = [(k, v) for k, v in sorted(found.metadata.items()) if "\n" not in v.strip()]
    print_table("Metadata", ["key", "value"], one_line)
    if found.recipe:
        print(f"Recipe\n\n{found.recipe.strip()}")


def _shape(spec: TensorSpec) -> str:
    return "x".join("?" if size is None else str(size) for size in spec.shape) or "scalar"


def _scale(spec: TensorSpec) -> str:
    return "" if spec.scale is None else f"{spec.scale:.6g}, {spec.zero_point}"


VERB = Verb("an artifact's operators, dtypes, sizes, recipe and metadata", add_arguments, run)
