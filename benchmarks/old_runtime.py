"""Do our .tflite files load and run in tflite-runtime 2.14, the last one for old boards?

Run: python -m benchmarks.old_runtime [FILE.onnx ...] [--recipes w8a8,w8] [--python python3.11]

The runtime is installed from PyPI into a virtual environment in a temporary folder: it wants
Python 3.11 or older and numpy 1, which this environment need not have.
"""

from __future__ import annotations

import argparse
import subprocess
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import edgesdk
from benchmarks.data import shared_data
from benchmarks.onnx_files import SAMPLES, random_inputs
from edgesdk.capture import capture
from edgesdk.cli.output import print_table
from edgesdk.export.tflite import lower
from edgesdk.sessions import find_runtime
from edgesdk_quant.tflite.writer import write_model
from edgesdk_runtimes.errors import EdgeError

PACKAGES = ("tflite-runtime==2.14.0", "numpy<2")
FOLDERS = ("onnx", "mlperf-tiny/onnx", "detect")
PROGRAM = """
import sys
import numpy as np
from tflite_runtime.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1])
interpreter.allocate_tensors()
inputs = np.load(sys.argv[2])
for i, detail in enumerate(interpreter.get_input_details()):
    interpreter.set_tensor(detail["index"], inputs[f"arr_{i}"])
interpreter.invoke()
details = interpreter.get_output_details()
np.savez(sys.argv[3], *[interpreter.get_tensor(detail["index"]) for detail in details])
"""


@dataclass(frozen=True)
class Outcome:
    """One file in the old runtime.

    Attributes:
        file: name of the source.
        recipe: "float", or the recipe that it was quantized with.
        error: largest difference from native over the largest output; None if it did not run.
        refusal: last line of what it said, or "".
    """

    file: str
    recipe: str
    error: float | None = None
    refusal: str = ""


def install(folder: Path, python: str) -> Path:
    """A virtual environment with the old runtime; its Python."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    old = folder / "bin" / "python"
    subprocess.run([old, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    return old


def measure(path: Path, recipe: str, python: Path, folder: Path) -> Outcome:
    """Write one file, run it there and on native."""
    graph = capture(path)
    random = np.random.default_rng(0)
    if recipe != "float":
        names = [str(value.name) for value in graph.graph.inputs]
        rows = [random_inputs(graph, random) for _ in range(SAMPLES)]
        data = [dict(zip(names, row, strict=True)) for row in rows]
        graph = edgesdk.quantize(graph, data, recipe).model
    try:
        model = write_model(lower(graph))
    except EdgeError as refused:
        return Outcome(path.name, recipe, refusal=str(refused))
    session = find_runtime("native").open(model)
    shapes = [[size or 1 for size in spec.shape] for spec in session.inputs]
    inputs = [random.uniform(0, 1, shape).astype(np.float32) for shape in shapes]
    theirs = _run_there(model, inputs, python, folder)
    if isinstance(theirs, str):
        return Outcome(path.name, recipe, refusal=theirs)
    pairs = zip(session.run(inputs), theirs, strict=True)
    error = max(float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-9)) for a, b in pairs)
    return Outcome(path.name, recipe, error)


def _run_there(model: bytes, inputs: Sequence[Any], python: Path, folder: Path) -> list[Any] | str:
    files = [folder / name for name in ("model.tflite", "inputs.npz", "outputs.npz")]
    files[0].write_bytes(model)
    np.savez(files[1], *inputs)
    done = subprocess.run([python, "-c", PROGRAM, *files], capture_output=True, text=True)
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    with np.load(files[2]) as outputs:
        return [outputs[name] for name in outputs.files]


def _row(outcome: Outcome) -> tuple[str, ...]:
    error = "-" if outcome.error is None else f"{outcome.error:.1e}"
    return (outcome.file, outcome.recipe, error, outcome.refusal)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help=".onnx files")
    parser.add_argument("--recipes", default="w8a8", help="besides float, e.g. w8a8,w8a16")
    parser.add_argument("--python", default="python3.11", help="3.8 to 3.11")
    options = parser.parse_args()
    folders = [] if options.files else [shared_data() / name for name in FOLDERS]
    files = options.files or [path for folder in folders for path in sorted(folder.glob("*.onnx"))]
    with TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        python = install(Path(name) / "old", options.python)
        outcomes = [
            measure(path, recipe, python, Path(name))
            for path in files
            for recipe in ("float", *filter(None, options.recipes.split(",")))
        ]
    print_table(
        "tflite-runtime 2.14: largest difference from native, relative",
        ["file", "recipe", ">error", "refused because"],
        [_row(outcome) for outcome in outcomes],
    )


if __name__ == "__main__":
    main()
