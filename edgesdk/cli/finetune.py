"""`edgesdk finetune`: a quantized model learns on, as it will run."""

from __future__ import annotations

import argparse
import contextlib
from typing import TYPE_CHECKING

from edgesdk.cli.options import add_data, add_json
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk.cli.saving import STATE, output_folder, print_saved, print_unsaved, save_both
from edgesdk.cli.verb import Verb

if TYPE_CHECKING:
    from edgesdk.training import Tuned


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("model", help="quantized .onnx file")
    parser.add_argument("--data", required=True, help="folder of images, .npy or .npz file")
    parser.add_argument(
        "--labels", help="CSV file: file,class (default: one folder a class, if there are folders)"
    )
    parser.add_argument(
        "--reference", metavar="MODEL",
        help="the float model, an .onnx file or package.module:factory, which teaches",
    )  # fmt: skip
    add_data(parser)
    parser.add_argument("--epochs", type=int, default=4, help="passes over the data (default 4)")
    parser.add_argument("--batch", type=int, default=32, help="samples of a step (default 32)")
    parser.add_argument(
        "--rate", type=float, default=0.001,
        help="first learning rate, as a share of each weight's size (default 0.001)",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", default="out", help="folder of the artifact (default out)"
    )
    parser.add_argument("--name", default="model", help="file name without suffix (default model)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Learn, write both files, show each epoch."""
    from edgesdk.sources import model_named
    from edgesdk.training import finetune

    folder = output_folder(options.output)
    with progress_bar(quiet=options.json) as progress:
        tuned = finetune(
            options.model,
            options.data,
            options.labels,
            reference=None if options.reference is None else model_named(options.reference),
            preprocess=options.preprocess,
            limit=options.limit,
            epochs=options.epochs,
            batch=options.batch,
            rate=options.rate,
            workdir=folder / STATE,
            progress=progress,
        )
    with contextlib.suppress(OSError):  # not ours alone
        (folder / STATE).rmdir()
    sizes, failures = save_both(tuned.quantized, folder, options.name)
    if options.json:
        print_json({"files": sizes, "failures": failures, "epochs": tuned.epochs})
    else:
        _print(tuned, sizes, failures)
    return 0


def _print(tuned: Tuned, sizes: dict[str, int], failures: dict[str, str]) -> None:
    head = ["epoch", ">loss", ">loss on held-out samples"]
    rows = [
        (
            f"{epoch.number}{' (kept)' if epoch == tuned.best else ''}",
            "-" if epoch.loss is None else f"{epoch.loss:.4f}",
            f"{epoch.held_out:.4f}",
        )
        for epoch in tuned.epochs
    ]
    print_table("Fine-tuning", head, rows)
    print_saved(sizes)
    print_unsaved(failures)


VERB = Verb(
    "let a quantized model learn on, with the bits that it will run with",
    add_arguments,
    run,
    "Each epoch is kept in the output folder: run the same command again and it goes on there.",
)
