"""The main job on a real model: CREPE becomes int8, runs on three runtimes, keeps its accuracy.

Run: python -m examples.demo [tiny|full]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import edgesdk
from examples.models import crepe

OUT = Path("out/demo")
EVALUATED = (("model.onnx", "onnxruntime"), ("model.tflite", "litert"), ("model.tflite", "native"))


def main(arguments: Sequence[str] = ()) -> None:
    """Quantize, run everywhere, print one table."""
    model = crepe.build(arguments[0] if arguments else "tiny")
    calibration, _ = crepe.tones(128, seed=1)
    frames, pitch_hz = crepe.tones(500, seed=2)

    quantized = edgesdk.quantize(model, calibration=calibration, recipe="w8a8")
    OUT.mkdir(parents=True, exist_ok=True)
    for name in ("model.onnx", "model.tflite"):
        quantized.save(OUT / name)

    with torch.no_grad():
        reference = model(torch.from_numpy(frames)).numpy()
    parameters_mb = sum(p.numel() * p.element_size() for p in model.parameters()) / 1e6
    table = Table("artifact", "runtime", "size MB", "pitch accuracy %", "agrees with float %")
    figures = _figures(reference, reference, pitch_hz)
    table.add_row("float model", "torch", f"{parameters_mb:.1f}", *figures)
    for artifact, runtime in EVALUATED:
        scores = np.asarray(edgesdk.Runner(OUT / artifact, runtime=runtime)(frames))
        size_mb = (OUT / artifact).stat().st_size / 1e6
        table.add_row(artifact, runtime, f"{size_mb:.1f}", *_figures(scores, reference, pitch_hz))
    Console().print(table)


def _figures(
    scores: NDArray[np.float32], reference: NDArray[np.float32], pitch_hz: NDArray[np.float64]
) -> tuple[str, str]:
    """Accuracy and agreement of the best bin within 50 cents (2.5 bins), in percent."""
    near = np.abs(scores.argmax(axis=1) - reference.argmax(axis=1)) <= 2
    return f"{100 * crepe.pitch_accuracy(scores, pitch_hz):.1f}", f"{100 * near.mean():.1f}"


if __name__ == "__main__":
    main(sys.argv[1:])
