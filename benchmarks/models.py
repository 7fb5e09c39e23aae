"""Models through the whole way: quantize, save, verify on every runtime; one row for each recipe.

Run: python -m benchmarks.models [WORD ...] [--recipe NAME] [--samples N] [--json]
A WORD picks models by name.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import edgesdk
from benchmarks.model_jobs import JOBS, Job, Samples
from benchmarks.sentences import Similarity, similarity
from edgesdk.artifact import Artifact
from edgesdk.capture import capture
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk.verification import Verification
from edgesdk_quant.graph import to_bytes
from edgesdk_runtimes.errors import EdgeError, RuntimeMissingError

SLOW_SAMPLES = 4
EMBEDDINGS = "MiniLM-L6"


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
        found = similarity(exact, tflite) if name == EMBEDDINGS else None
        size = tflite.stat().st_size
    return Row(name, recipe, seconds, quantized.counts(), size, proof, found)


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
                f"{found.spearman:.4f} quantized; cosine {found.words.mean:.4f} (words), "
                f"{found.texts.mean:.4f} (texts), at least {found.words.least:.4f}"
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
            try:
                rows += [measure(name, job, recipe, samples, progress) for recipe in recipes]
            except RuntimeMissingError as error:
                print(f"{name} is left out. {error}", file=sys.stderr)
    if options.json:
        print_json(rows)
    else:
        _print(rows)


if __name__ == "__main__":
    main()
