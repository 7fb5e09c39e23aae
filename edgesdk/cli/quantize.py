"""`edgesdk quantize`: a trained model becomes an artifact of both kinds."""

from __future__ import annotations

import argparse
import contextlib
from functools import partial
from pathlib import Path
from typing import Any

from edgesdk.cli.options import add_data, add_json
from edgesdk.cli.output import in_bytes, print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk.cli.verb import Verb
from edgesdk.files import write_atomically
from edgesdk.quantized import Quantized
from edgesdk_runtimes.errors import InputError, OutputError, UnsupportedError

STATE = ".calibration"
KINDS = ("onnx", "tflite")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("model", help=".onnx file, or package.module:factory of an nn.Module")
    parser.add_argument("--calibration", metavar="DATA", help="folder of images, .npy or .npz file")
    parser.add_argument("--recipe", default="w8a8", help="name or .toml file (default w8a8)")
    parser.add_argument("--target", default="generic", help="name or .toml file (default generic)")
    parser.add_argument(
        "--inputs", metavar="NAME=1x3x224x224", nargs="+", help="shapes that the model leaves open"
    )
    add_data(parser)
    parser.add_argument(
        "--max-drop", type=float, metavar="POINTS",
        help="try better and dearer algorithms until top-1 on real kernels drops no more",
    )  # fmt: skip
    parser.add_argument(
        "--max-minutes", type=float, default=20.0, metavar="M",
        help="with --max-drop: begin no step after so many minutes (default 20)",
    )  # fmt: skip
    parser.add_argument(
        "--test", metavar="DATA", help="with --max-drop: what it is measured on, not --calibration"
    )
    parser.add_argument(
        "--labels", metavar="CSV", help="with --max-drop: classes of the test data; without them "
        "the answers are compared with the float model's",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", default="out", help="folder of the artifact (default out)"
    )
    parser.add_argument("--name", default="model", help="file name without suffix (default model)")
    parser.add_argument(
        "--report", metavar="FILE", help="write a report too: .html or .json (see edgesdk report)"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Quantize, write both files, count what was quantized."""
    from edgesdk.api import quantize
    from edgesdk.report.file import check_target
    from edgesdk.sources import model_named

    if options.report is not None:
        check_target(options.report)
    folder = _folder(options.output)
    with progress_bar(quiet=options.json) as progress:
        make = quantize if options.max_drop is None else partial(_quantize_until, options)
        quantized = make(
            model_named(options.model),
            calibration=options.calibration,
            recipe=options.recipe,
            target=options.target,
            inputs=_shapes(options.inputs),
            preprocess=options.preprocess,
            limit=options.limit,
            workdir=folder / STATE,
            progress=progress,
        )
    with contextlib.suppress(OSError):  # not there, or not ours alone
        (folder / STATE).rmdir()
    sizes, failures = _save(quantized, folder, options.name)
    _print(quantized, sizes, failures, as_json=options.json)
    if options.report is not None:
        with progress_bar(quiet=options.json) as progress:
            quantized.report(options.report, progress=progress)
    return 0


def _quantize_until(
    options: argparse.Namespace,
    model: object,
    *,
    preprocess: str | None,
    limit: int | None,
    **rest: Any,
) -> Quantized:
    """`quantize`, by the accuracy-aware loop."""
    from edgesdk.accuracy_loop import Attempt, quantize_until
    from edgesdk.sources import labels_from, preprocess_of
    from edgesdk_quant.data import open_data
    from edgesdk_quant.recipe import Recipe

    if options.test is None:
        raise InputError(
            "--max-drop needs --test DATA to measure on: give other samples than "
            "those of --calibration."
        )
    steps = preprocess_of(preprocess, None)

    def tell(attempt: Attempt) -> None:
        if not options.json:
            verdict = "holds" if attempt.holds else "drops too much"
            print(f"{attempt.step}: drop {attempt.drop:.2f} on {attempt.runtime}, {verdict}")

    calibration = rest.pop("calibration")
    outcome = quantize_until(
        model,
        None if calibration is None else open_data(calibration, steps).limited(limit),
        open_data(options.test, steps),
        labels_from(options.labels, options.test),
        Recipe.load(rest.pop("recipe")),
        max_drop=options.max_drop,
        max_minutes=options.max_minutes,
        tell=tell,
        preprocess=steps,
        **rest,
    )
    if not outcome.holds and not options.json:
        print(
            f"No step holds {options.max_drop} points; written is the one that drops least. "
            "Allow more minutes, more calibration samples, or more bits (--recipe w8a8)."
        )
    return outcome.quantized


def _folder(text: str) -> Path:
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be made ({error.strerror}). Give a place that you may "
            "write to with -o."
        ) from error
    return folder


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


def _save(quantized: Quantized, folder: Path, name: str) -> tuple[dict[str, int], dict[str, str]]:
    """Write both kinds; a model that TFLite cannot hold still gives its .onnx file."""
    sizes: dict[str, int] = {}
    failures: dict[str, str] = {}
    for kind in KINDS:
        path = folder / f"{name}.{kind}"
        try:
            quantized.save(path)
        except UnsupportedError as error:
            failures[str(path)] = str(error) + _listed(error, path.with_suffix(".unsupported.txt"))
        else:
            sizes[str(path)] = path.stat().st_size
    return sizes, failures


def _listed(error: UnsupportedError, path: Path) -> str:
    """Write all that is missing, one a line; what to say of it."""
    if not error.needs:
        return ""
    write_atomically(path, "".join(f"{need}\n" for need in error.needs).encode())
    return f" (all of them: {path})"


def _print(
    quantized: Quantized, sizes: dict[str, int], failures: dict[str, str], *, as_json: bool
) -> None:
    if as_json:
        print_json(
            {
                "files": sizes,
                "failures": failures,
                "nodes": quantized.counts(),
                "float": quantized.reasons(),
            }
        )
        return
    rows = [(path, in_bytes(size)) for path, size in sizes.items()]
    print_table("Written", ["file", ">size"], rows)
    print(quantized.report_text())
    for path, reason in failures.items():
        print(f"{path} was not written: {reason}")


VERB = Verb(
    "quantize a trained model to .onnx and .tflite",
    add_arguments,
    run,
    "Calibration is kept in the output folder: run the same command again and it goes on there.",
)
