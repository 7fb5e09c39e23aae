"""`edgesdk quantize`: a trained model becomes an artifact of both kinds."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

from edgesdk.attempts import Outcome
from edgesdk.cli.escalate import add_loop_arguments, escalate
from edgesdk.cli.front import print_front
from edgesdk.cli.options import add_data, add_json
from edgesdk.cli.output import print_json
from edgesdk.cli.progress import progress_bar
from edgesdk.cli.saving import STATE, output_folder, print_saved, print_unsaved, save_both
from edgesdk.cli.verb import Verb
from edgesdk.quantized import Quantized
from edgesdk_runtimes.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("model", help=".onnx file, or package.module:factory of an nn.Module")
    parser.add_argument("--calibration", metavar="DATA", help="folder of images, .npy or .npz file")
    parser.add_argument("--recipe", default="w8a8", help="name or .toml file (default w8a8)")
    parser.add_argument("--target", default="generic", help="name or .toml file (default generic)")
    parser.add_argument(
        "--inputs", metavar="NAME=1x3x224x224", nargs="+", help="shapes that the model leaves open"
    )
    parser.add_argument(
        "--budget", metavar="B", help="search which layers get 4 bits and which 8: 0.13 (of the "
        "float weights), 2.4MB, 12ms on the target, 0.9latency (of 8 bits everywhere)",
    )  # fmt: skip
    add_data(parser)
    add_loop_arguments(parser)
    parser.add_argument(
        "-o", "--output", default="out", help="folder of the artifact (default out)"
    )
    parser.add_argument("--name", default="model", help="file name without suffix (default model)")
    parser.add_argument(
        "--report", metavar="FILE", help="write a report too: .html or .json (see edgesdk report)"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Quantize, write both files, count what was quantized; 1 where --max-drop is not held."""
    from edgesdk.api import quantize
    from edgesdk.report.file import check_target
    from edgesdk.sources import model_named

    folder = output_folder(options.output)  # a report may go there
    if options.report is not None:
        check_target(options.report)
    given: dict[str, Any] = {
        "calibration": options.calibration,
        "recipe": _recipe(options),
        "target": options.target,
        "inputs": _shapes(options.inputs),
        "preprocess": options.preprocess,
        "limit": options.limit,
        "workdir": folder / STATE,
    }
    outcome = None
    with progress_bar(quiet=options.json) as progress:
        model = model_named(options.model)
        if options.max_drop is None:
            quantized = quantize(model, progress=progress, **given)
        else:
            outcome = escalate(options, model, progress=progress, **given)
            quantized = outcome.quantized
    with contextlib.suppress(OSError):  # not there, or not ours alone
        (folder / STATE).rmdir()
    saved = save_both(quantized, folder, options.name)
    _print(quantized, *saved, outcome, as_json=options.json)
    if options.report is not None:
        with progress_bar(quiet=options.json) as progress:
            test, labels = (None, None) if outcome is None else (outcome.test, outcome.labels)
            quantized.report(options.report, test, labels, progress=progress)
    return 0 if outcome is None or outcome.holds else 1


def _recipe(options: argparse.Namespace) -> Any:
    from edgesdk_quant.recipe import Recipe

    recipe = Recipe.load(options.recipe)
    return recipe if options.budget is None else recipe.with_budget(options.budget)


def _shapes(texts: list[str] | None) -> dict[str, tuple[int | None, ...]] | None:
    if texts is None:
        return None
    shapes: dict[str, tuple[int | None, ...]] = {}
    for text in texts:
        name, separator, sizes = text.rpartition("=")
        try:
            if not separator:
                raise ValueError("no '='")
            shapes[name] = tuple(None if s == "?" else int(s) for s in sizes.split("x"))
        except ValueError as error:
            raise InputError(
                f"--inputs {text} is not understood ({error}). Write name=1x3x224x224, with ? for "
                "an open batch."
            ) from error
    return shapes


def _print(
    quantized: Quantized,
    sizes: dict[str, int],
    failures: dict[str, str],
    outcome: Outcome | None,
    *,
    as_json: bool,
) -> None:
    if as_json:
        found: dict[str, Any] = {
            "files": sizes,
            "failures": failures,
            "nodes": quantized.counts(),
            "float": quantized.reasons(),
            "front": quantized.front,
        }
        if outcome is not None:
            found |= {"steps": outcome.attempts, "float_top1": outcome.float_score}
            found |= {"holds": outcome.holds, "conclusion": outcome.sentence}
        print_json(found)
        return
    print_saved(sizes)
    print_front(quantized)
    print(quantized.report_text())
    print_unsaved(failures)


VERB = Verb(
    "quantize a trained model to .onnx and .tflite",
    add_arguments,
    run,
    "Calibration is kept in the output folder: run the same command again and it goes on there.",
)
