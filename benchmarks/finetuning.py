"""Fine-tuning CIFAR networks with 4-bit weights: top-1 on native kernels before and after.

The images that are learnt from are not among those that judge. Weights are rounded to nearest
before, so that all that is gained is gained by learning.

Run: python -m benchmarks.finetuning [--images 4000] [--epochs 4] [--json]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace

import numpy as np
import torch

import edgesdk
from benchmarks.model_jobs import CALIBRATION, JOBS, TRAINED_CIFAR, cifar10
from edgesdk.capture import capture
from edgesdk.cli.output import print_json, print_table
from edgesdk.labels import Labels
from edgesdk.quantized import Quantized
from edgesdk.runner import Runner
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.recipe import Recipe
from edgesdk_runtimes.base import Array

JUDGED = 1000
NETWORKS = ("ResNet-8 (MLPerf Tiny IC)", "ResNet-20 (CIFAR-10)")


@dataclass(frozen=True)
class Row:
    """One network, one kind of teacher.

    Attributes:
        network: its name.
        teacher: what says what is right.
        float_top1: of the float network, in percent.
        before: top-1 of the quantized network on native kernels.
        after: the same after learning.
        different: outputs of the module that has learnt which native computes otherwise.
        cpu_minutes: of learning, all threads.
    """

    network: str
    teacher: str
    float_top1: float
    before: float
    after: float
    different: int
    cpu_minutes: float


def nearest() -> Recipe:
    """Every layer that can be in 4 bits, rounded to nearest."""
    recipe = Recipe.load("w4a8")
    plain = replace(recipe.algorithms, rounding="nearest", distillation=0)
    return replace(recipe, name="w4a8-nearest", search=None, algorithms=plain)


def measure(name: str, images: int, epochs: int) -> list[Row]:
    """Learn from labels and the float network, and from the float network alone."""
    normal = TRAINED_CIFAR if "CIFAR" in name else ((0.0,) * 3, (1.0,) * 3)
    pixels, classes = cifar10(JUDGED + images, *normal)
    graph = capture(JOBS[name].model())
    made = edgesdk.quantize(graph, pixels[JUDGED : JUDGED + CALIBRATION], nearest())
    labels = Labels({}, tuple(map(int, classes[JUDGED:])))
    exact = _top1(np.asarray(Runner(to_bytes(graph))(pixels[:JUDGED])), classes)
    before = _top1(on_native(made, pixels[:JUDGED]), classes)
    rows = []
    for teacher, known in (("labels and float", labels), ("float", None)):
        start = time.process_time()
        tuned = edgesdk.finetune(made, pixels[JUDGED:], known, epochs=epochs).quantized
        minutes = (time.process_time() - start) / 60
        scores = on_native(tuned, pixels[:JUDGED])
        with torch.no_grad():
            learnt = tuned.trainable()(torch.from_numpy(pixels[:JUDGED])).numpy()
        different = int((learnt != scores).sum())
        rows.append(Row(name, teacher, exact, before, _top1(scores, classes), different, minutes))
    return rows


def on_native(quantized: Quantized, pixels: Array) -> Array:
    """Scores of the .tflite file."""
    file = quantized.to_bytes("tflite")
    return np.asarray(Runner(file, runtime="native", layout="source")(pixels))


def _top1(scores: Array, classes: Array) -> float:
    return float((scores.argmax(axis=1) == classes[: len(scores)]).mean() * 100)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4000, help="to learn from (default 4000)")
    parser.add_argument("--epochs", type=int, default=4, help="passes over them (default 4)")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    rows = [row for name in NETWORKS for row in measure(name, options.images, options.epochs)]
    if options.json:
        print_json(rows)
        return
    head = ["network", "learns from", ">float %", ">before %", ">after %", ">differ", ">CPU min"]
    cells = [
        (
            *(r.network, r.teacher, f"{r.float_top1:.2f}", f"{r.before:.2f}", f"{r.after:.2f}"),
            *(f"{r.different} of {JUDGED * 10}", f"{r.cpu_minutes:.1f}"),
        )
        for r in rows
    ]
    print_table(f"w4a8, {options.images} images, {options.epochs} epochs", head, cells)


if __name__ == "__main__":
    main()
