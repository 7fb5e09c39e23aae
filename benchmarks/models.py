"""Models through the whole way: quantize, save, verify on every runtime; one row for each recipe.

Run: python -m benchmarks.models [WORD ...] [--recipe NAME] [--samples N] [--json]
A WORD picks models by name.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import edgesdk
from benchmarks.data import shared_data
from benchmarks.model_jobs import JOBS, Job, Samples
from edgesdk.artifact import Artifact
from edgesdk.capture import capture
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk.verification import Verification
from edgesdk_quant.graph import to_bytes
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import EdgeError
from examples.models import minilm

SLOW_SAMPLES = 4
EMBEDDINGS = "MiniLM-L6"


@dataclass(frozen=True)
class Similarity:
    """Sentence vectors against float ones, on the words of WordSim-353.

    Attributes:
        spearman_float: rank correlation of the float model with people.
        spearman: of the artifact on the native runtime.
        cosine: mean cosine between its vectors and the float ones.
        least_cosine: the smallest one.
    """

    spearman_float: float
    spearman: float
    cosine: float
    least_cosine: float


@dataclass(frozen=True)
class Row:
    """One model with one recipe; `failure` says why there is no proof."""

    model: str
    recipe: str
    seconds: float
    nodes: dict[str, int]
    tflite_bytes: int
    proof: Verification | None = None
    similarity: Similarity | None = None
    failure: str = ""


def measure(name: str, job: Job, recipe: str, samples: Samples, progress: Any) -> Row:
    """Quantize and verify in a temporary folder."""
    graph = capture(job.model())
    start = time.perf_counter()
    quantized = edgesdk.quantize(graph, samples.calibration, recipe, progress=progress)
    seconds = time.perf_counter() - start
    test = samples.test.limited(SLOW_SAMPLES) if recipe in job.slow else samples.test
    exact = Artifact("float", "onnx", to_bytes(graph))
    with TemporaryDirectory() as folder:
        onnx, tflite = (Path(folder) / f"model.{kind}" for kind in ("onnx", "tflite"))
        quantized.save(onnx)
        try:
            quantized.save(tflite)
        except EdgeError as error:
            return Row(name, recipe, seconds, quantized.counts(), 0, failure=str(error))
        proof = edgesdk.verify(onnx, exact, test, samples.labels, progress=progress)
        similarity = _similarity(exact, tflite) if name == EMBEDDINGS else None
        size = tflite.stat().st_size
    return Row(name, recipe, seconds, quantized.counts(), size, proof, similarity)


def _similarity(exact: Artifact, tflite: Path) -> Similarity:
    lines = (shared_data() / "text" / "wordsim353.tsv").read_text("utf-8").splitlines()
    pairs = [line.split("\t") for line in lines if not line.startswith("#")]
    words = sorted({word for pair in pairs for word in pair[:2]})
    expected, actual = (_vectors(model, words) for model in (exact, tflite))
    rows = np.array([[words.index(word) for word in pair[:2]] for pair in pairs])
    people = np.array([float(pair[2]) for pair in pairs])
    cosines = (expected * actual).sum(1)
    cosines /= np.linalg.norm(expected, axis=1) * np.linalg.norm(actual, axis=1)
    exact_rank, rank = (_agreement(vectors, rows, people) for vectors in (expected, actual))
    return Similarity(exact_rank, rank, float(cosines.mean()), float(cosines.min()))


def _agreement(vectors: Array, rows: Array, people: Array) -> float:
    """Spearman's correlation of the cosine of word pairs with what people say."""
    cosines = (vectors[rows[:, 0]] * vectors[rows[:, 1]]).sum(1)
    return float(np.corrcoef(_ranks(cosines), _ranks(people))[0, 1])


def _vectors(model: Artifact | Path, words: Sequence[str]) -> Array:
    ids, mask = minilm.tokenizer()(words)
    with edgesdk.Runner(model) as runner:
        found = [runner(ids[i : i + 1], mask[i : i + 1]) for i in range(len(words))]
    return np.concatenate([np.asarray(vector, np.float64) for vector in found])


def _ranks(values: Array) -> Array:
    """Ranks from 1, ties get their mean: what Spearman's correlation is taken of."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray(((last - counts + 1 + last) / 2)[inverse])


def cells(row: Row) -> tuple[str, ...]:
    """The row of the table."""
    head = (row.model, row.recipe, _nodes(row.nodes))
    if row.proof is None:
        return (*head, row.failure[:100], *[""] * 5, f"{row.seconds:.1f}")
    results = row.proof.results
    simulated = results[0]
    return (
        *head,
        _pair(row.proof.float_top1, [r.top1 for r in results]),
        "-" if simulated.agreement is None else f"{simulated.agreement:.2f}",
        "-" if simulated.sqnr_db is None else f"{simulated.sqnr_db:.2f}",
        "; ".join(f"{r.runtime} {r.failure[:60] or _difference(r)}" for r in results[1:]),
        str(row.proof.samples),
        f"{row.tflite_bytes / 1e6:.2f}",
        f"{row.seconds:.1f}",
    )


def _nodes(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def _difference(result: Any) -> str:
    return "0" if not result.different else f"{result.different} ({result.largest_in_words})"


def _pair(exact: float | None, found: Sequence[float | None]) -> str:
    known = sorted({value for value in found if value is not None})
    return "-" if exact is None else f"{exact:.2f} / {' '.join(f'{v:.2f}' for v in known)}"


def _print(rows: Sequence[Row]) -> None:
    print_table(
        "Models, quantized and verified",
        [
            *("model", "recipe", "nodes", ">top-1 float / int %", ">agrees %", ">SQNR dB"),
            *("differ from the simulation", ">samples", ">.tflite MB", ">quantize s"),
        ],
        [cells(row) for row in rows],
    )
    for row in rows:
        if row.similarity is not None:
            found = row.similarity
            print(
                f"{row.model} {row.recipe}: WordSim-353 Spearman {found.spearman_float:.4f} float, "
                f"{found.spearman:.4f} quantized; cosine {found.cosine:.4f}, "
                f"at least {found.least_cosine:.4f}"
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="parts of model names (default all)")
    parser.add_argument("--recipe", help="instead of those of each model")
    parser.add_argument("--samples", type=int, help="compare on so many only (default all)")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    rows: list[Row] = []
    with progress_bar(quiet=options.json) as progress:
        for name, job in JOBS.items():
            if options.words and not any(w.lower() in name.lower() for w in options.words):
                continue
            samples = job.samples()
            samples = replace(samples, test=samples.test.limited(options.samples))
            recipes = (options.recipe,) if options.recipe else job.recipes
            rows += [measure(name, job, recipe, samples, progress) for recipe in recipes]
    if options.json:
        print_json(rows)
    else:
        _print(rows)


if __name__ == "__main__":
    main()
