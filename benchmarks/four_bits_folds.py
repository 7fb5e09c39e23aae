"""EfficientNet-Lite in four bits, each of 200 photos judged by a network that never saw it.

Each fold tests a third of the photos and calibrates with 128 of the others, without labels. So few
photos leave a spread of about two of them, so agreement, SQNR and the divergence from the float
network's answers are told too.

Run: python -m benchmarks.four_bits_folds [--variant 0] [--recipe w4a8] [--work FOLDER] [--json]
The folder (default build/folds) keeps files and state: the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edgesdk
from benchmarks.data import shared_data
from edgesdk.capture import capture
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk.labels import read_labels
from edgesdk_quant.data import open_data
from edgesdk_quant.fingerprint import fingerprint
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.preprocess import Preprocess
from edgesdk_quant.recipe import Recipe
from edgesdk_runtimes.base import Array
from examples.models import efficientnet_lite

FOLDS = 3
CALIBRATION = 128
NEAREST = "nearest"


@dataclass(frozen=True)
class Photos:
    """All photos.

    Attributes:
        pixels: float32 [N, 3, S, S].
        classes: [N], the right ones.
        exact: float32 [N, 1000], logits of the float network.
    """

    pixels: Array
    classes: NDArray[np.int64]
    exact: Array


@dataclass(frozen=True)
class Row:
    """One way of rounding, over all folds.

    Attributes:
        rounding: its name; "float" is the float network.
        share: bytes of the float .onnx file for one of the largest .tflite file.
        right: photos whose best class is the label.
        agreeing: photos whose best class is the float network's.
        sqnr_db: of the logits.
        divergence: mean KL divergence of the float network's answers from these, in nats.
        different: logits of the native runtime that are not the simulation's.
        photos: how many were judged.
    """

    rounding: str
    share: float
    right: int
    agreeing: int
    sqnr_db: float
    divergence: float
    different: int
    photos: int


def photos(exact: bytes, steps: Preprocess) -> Photos:
    """Read them, and ask the float network (an .onnx file)."""
    folder = shared_data() / "imagenet"
    labels = read_labels(folder / "labels.csv")
    with edgesdk.Runner(exact) as network:
        data = open_data(folder / "images", steps)
        samples = list(data.samples(network.inputs))
        pixels = np.concatenate([sample.arrays[0] for sample in samples])
        classes = [labels.of(sample.name, i) for i, sample in enumerate(samples)]
        return Photos(pixels, np.array(classes, np.int64), _logits(network, pixels))


def _logits(network: edgesdk.Runner, pixels: Array) -> Array:
    return np.concatenate([np.asarray(network(x[None])) for x in pixels])


def quantized(fold: int, recipe: Recipe, pixels: Array, graph: object, work: Path) -> Path:
    """The .tflite file of a fold; made unless it is there, by this very recipe."""
    file = work / f"{recipe.name}-{fingerprint([recipe.to_toml()])[:8]}-{fold}.tflite"
    if not file.exists():
        others = pixels[np.arange(len(pixels)) % FOLDS != fold][:CALIBRATION]
        with progress_bar() as progress:
            found = edgesdk.quantize(
                graph, others, recipe, workdir=work / f"fold-{fold}", progress=progress
            )
        found.save(file)
    return file


def judge(recipe: Recipe, known: Photos, graph: object, float_bytes: int, work: Path) -> Row:
    """Quantize all folds and gather what each says of the photos that it did not see."""
    answers, different, size = np.empty_like(known.exact), 0, 0
    for fold in range(FOLDS):
        file = quantized(fold, recipe, known.pixels, graph, work)
        own = np.arange(len(answers)) % FOLDS == fold
        with edgesdk.Runner(file, "native", layout="source") as native:
            answers[own] = _logits(native, known.pixels[own])
        with edgesdk.Runner(file, "reference", layout="source") as simulation:
            different += int((answers[own] != _logits(simulation, known.pixels[own])).sum())
        size = max(size, file.stat().st_size)
    return compared(recipe.algorithms.rounding, known, answers, float_bytes / size, different)


def compared(name: str, known: Photos, answers: Array, share: float, different: int) -> Row:
    """All figures of one way of rounding; `answers` are logits [N, 1000]."""
    exact, ours = known.exact.astype(np.float64), answers.astype(np.float64)
    noise = np.square(ours - exact).sum()
    sure, said = _log_softmax(exact), _log_softmax(ours)
    return Row(
        rounding=name,
        share=share,
        right=int((ours.argmax(1) == known.classes).sum()),
        agreeing=int((ours.argmax(1) == exact.argmax(1)).sum()),
        sqnr_db=float(10 * np.log10(np.square(exact).sum() / noise)) if noise else np.inf,
        divergence=float((np.exp(sure) * (sure - said)).sum(1).mean()),
        different=different,
        photos=len(exact),
    )


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def cells(row: Row) -> tuple[str, ...]:
    """The row of the table."""
    return (
        row.rounding,
        f"1/{row.share:.2f}",
        f"{row.right} ({100 * row.right / row.photos:.2f} %)",
        str(row.agreeing),
        f"{row.sqnr_db:.2f}",
        f"{row.divergence:.4f}",
        str(row.different),
        str(row.photos),
    )


HEAD = (
    *("rounding", ">of float", ">right", ">agrees with float", ">SQNR dB", ">KL"),
    *(">differ from the simulation", ">photos"),
)


def main() -> None:
    """Quantize, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", type=int, default=0, help="0, 1 or 2 (default 0)")
    parser.add_argument("--recipe", default="w4a8", help="name or .toml file (default w4a8)")
    parser.add_argument("--work", type=Path, default=Path("build/folds"), help="state and files")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    work = options.work / f"lite{options.variant}"
    work.mkdir(parents=True, exist_ok=True)
    graph = capture(efficientnet_lite.build(options.variant))
    exact = to_bytes(graph)
    known = photos(exact, efficientnet_lite.preprocess(options.variant))
    recipe = Recipe.load(options.recipe)
    nearest = replace(recipe, algorithms=replace(recipe.algorithms, rounding=NEAREST))
    rows = [compared("float", known, known.exact, 1.0, 0)]
    rows += [judge(r, known, graph, len(exact), work) for r in (nearest, recipe)]
    if options.json:
        print_json(rows)
    else:
        title = f"EfficientNet-Lite{options.variant}, recipe {recipe.name}"
        print_table(title, list(HEAD), [cells(row) for row in rows])


if __name__ == "__main__":
    main()
