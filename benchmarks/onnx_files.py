"""Real ONNX files through the lowering: float against ONNX Runtime, int8 against the interpreter.

Run: python -m benchmarks.onnx_files [FILE ...] [--float-only] [--json]
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

import edgesdk
from benchmarks.data import shared_data
from edgesdk.capture import capture
from edgesdk.cli.output import print_json, print_table
from edgesdk.export.tflite import lower
from edgesdk.layout import SourceLayoutSession, parse_layout
from edgesdk.sessions import find_runtime
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.tflite.model import Model
from edgesdk_quant.tflite.writer import write_model
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import EdgeError

FOLDERS = ("onnx", "onnx/refused", "mlperf-tiny/onnx", "detect")
SAMPLES = 8


@dataclass(frozen=True)
class Outcome:
    """What one file came to.

    Attributes:
        file: its name.
        native, litert: largest error of the float lowering over the largest output of ONNX
            Runtime; None where it did not run.
        differing: elements of the int8 model's outputs in which native differs from the numpy
            interpreter; None where it was not quantized.
        refusal: the sentence of the error, or "".
    """

    file: str
    native: float | None = None
    litert: float | None = None
    differing: int | None = None
    refusal: str = ""


def measure(path: Path, *, quantized: bool) -> Outcome:
    """One file on random inputs."""
    try:
        graph = capture(path)
        lowered = lower(graph)
        inputs = random_inputs(graph, np.random.default_rng(0))
        expected = _onnxruntime(to_bytes(graph), inputs)
        errors = [_error(_run(name, lowered, inputs), expected) for name in ("native", "litert")]
        differing = _differing(path, graph) if quantized else None
    except EdgeError as error:
        return Outcome(path.name, refusal=str(error))
    return Outcome(path.name, errors[0], errors[1], differing)


def random_inputs(graph: Any, random: np.random.Generator) -> list[Array]:
    """An array in 0..1 for each input."""
    shapes = [[d if isinstance(d, int) else 1 for d in v.shape] for v in graph.graph.inputs]
    return [random.uniform(0, 1, shape).astype(np.float32) for shape in shapes]


def _onnxruntime(model: bytes, inputs: Sequence[Array]) -> list[Array]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options)
    names = [value.name for value in session.get_inputs()]
    return list(session.run(None, dict(zip(names, inputs, strict=True))))


def _run(runtime: str, model: Model, inputs: Sequence[Array]) -> list[Array]:
    session = find_runtime(runtime).open(write_model(model))
    with_layout = SourceLayoutSession(session, parse_layout(model.metadata))
    try:
        return with_layout.run(inputs)
    finally:
        with_layout.close()


def _error(actual: Sequence[Array], expected: Sequence[Array]) -> float:
    rows = zip(actual, expected, strict=True)
    return max(float(np.abs(a - e).max() / max(np.abs(e).max(), 1e-9)) for a, e in rows)


def _differing(path: Path, graph: Any) -> int:
    random = np.random.default_rng(1)
    samples = [random_inputs(graph, random) for _ in range(SAMPLES)]
    names = [str(value.name) for value in graph.graph.inputs]
    data = [dict(zip(names, sample, strict=True)) for sample in samples]
    model = lower(edgesdk.quantize(path, data, "w8a8").model)
    native, reference = (_run(name, model, samples[0]) for name in ("native", "reference"))
    return sum(int((a != b).sum()) for a, b in zip(native, reference, strict=True))


def _row(outcome: Outcome) -> tuple[str, ...]:
    if outcome.refusal:
        return (outcome.file, "-", "-", "-", outcome.refusal)
    bits = "-" if outcome.differing is None else str(outcome.differing)
    return (outcome.file, f"{outcome.native:.1e}", f"{outcome.litert:.1e}", bits, "")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help=".onnx files")
    parser.add_argument("--float-only", action="store_true", help="quantize nothing")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    folders = [] if options.files else [shared_data() / name for name in FOLDERS]
    files = options.files or [path for folder in folders for path in sorted(folder.glob("*.onnx"))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcomes = [measure(path, quantized=not options.float_only) for path in files]
    if options.json:
        print_json(outcomes)
        return
    print_table(
        "float error against ONNX Runtime; int8 elements that differ, native from interpreter",
        ["file", ">native", ">litert", ">int8", "refused because"],
        [_row(outcome) for outcome in outcomes],
    )


if __name__ == "__main__":
    main()
