"""`edgesdk run`: arrays through a model file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from edgesdk.cli.options import add_json, add_runtime
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.verb import Verb
from edgesdk.files import write_atomically
from edgesdk.runner import Runner
from edgesdk_runtimes.base import Array, TensorSpec
from edgesdk_runtimes.errors import InputError

SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("model", help=".onnx or .tflite file")
    parser.add_argument(
        "inputs",
        nargs="+",
        help=".npy files in the order of the inputs, or one .npz by their names",
    )
    parser.add_argument("-o", "--output", help="write the outputs by name to this .npz file")
    parser.add_argument(
        "--layout",
        default="file",
        metavar="NAME",
        help="order of dimensions: file (default; .tflite is NHWC) or source, that of the model "
        "that the file was made from",
    )
    add_runtime(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Run, print what came out, write it."""
    with Runner(
        options.model, options.runtime, threads=options.threads, layout=options.layout
    ) as runner:
        results = runner(*_load(options.inputs))
        outputs = results if isinstance(results, tuple) else (results,)
        rows = [_summary(spec, array) for spec, array in zip(runner.outputs, outputs, strict=True)]
        names = [spec.name for spec in runner.outputs]
        title = f"{options.model} on {runner.runtime}"
    if options.output:
        write_atomically(Path(options.output), _npz(names, outputs))
    if options.json:
        print_json(rows)
    else:
        print_table(
            title,
            ["output", "dtype", "shape", ">min", ">max", "largest at"],
            [tuple(str(cell) for cell in row.values()) for row in rows],
        )
    return 0


def _load(paths: Sequence[str]) -> list[Array | dict[str, Array]]:
    if len(paths) > 1:
        return [_array(path) for path in paths]
    loaded = _read(paths[0])
    return [loaded if isinstance(loaded, np.ndarray) else {n: loaded[n] for n in loaded.files}]


def _read(path: str) -> Any:
    if not Path(path).is_file():
        raise InputError(f"There is no file {path}. Give a .npy or .npz file of numpy.")
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        raise InputError(
            f"{path} is no .npy or .npz file ({error}). Write it with np.save or np.savez."
        ) from error


def _array(path: str) -> Array:
    loaded = _read(path)
    if not isinstance(loaded, np.ndarray):
        raise InputError(f"{path} is an archive; give it alone, or give one .npy for each input.")
    return loaded


def _summary(spec: TensorSpec, array: Array) -> dict[str, object]:
    """One output in a line; for scores [batch, classes] the best classes of the first sample."""
    flat = array[0].ravel() if array.ndim > 1 else array.ravel()
    numeric = array.size and array.dtype.kind in "iufb"
    best = np.argsort(flat)[::-1][:SHOWN] if numeric else np.array([], int)
    return {
        "name": spec.name,
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "min": f"{array.min():.6g}" if numeric else "-",
        "max": f"{array.max():.6g}" if numeric else "-",
        "largest": [int(i) for i in best],
    }


def _npz(names: Sequence[str], arrays: Sequence[Array]) -> bytes:
    stream = BytesIO()
    np.savez(stream, **dict(zip(names, arrays, strict=True)))  # type: ignore[arg-type]
    return stream.getvalue()


VERB = Verb("run arrays through a model", add_arguments, run)
