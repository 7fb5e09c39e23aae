"""MiniLM-L6: what each recipe and algorithm is worth, on the native runtime.

Run: python -m benchmarks.minilm [WORD ...] [--samples N] [--json]
A WORD picks rows by name.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import edgesdk
from benchmarks.model_jobs import JOBS, sentences
from benchmarks.sentences import Similarity, similarity, texts
from edgesdk.artifact import Artifact
from edgesdk.capture import capture
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk.fusion_audit import audit_onnxruntime
from edgesdk_quant.data import CalibrationData, open_data
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.recipe import Override, Recipe
from edgesdk_quant.reference.runtime import ReferenceRuntime
from edgesdk_quant.tflite.reader import read_model
from edgesdk_quant.tflite.writer import write_model
from edgesdk_runtimes.native import NativeRuntime
from examples.models import minilm

MODEL = "MiniLM-L6"


@dataclass(frozen=True)
class Row:
    """One recipe.

    Attributes:
        name: what is different in it.
        seconds: wall time of the quantization.
        onnx_bytes: size of the .onnx file.
        tflite_bytes: size of the .tflite file; 0 for blocks with zero points, which TFLite lacks.
        runtime: which one gave the figures.
        similarity: its vectors against the float ones.
        same_bits: layers with stored weights to which native and the simulation give the same bits
            for the same inputs, of how many.
        audit: what ONNX Runtime fuses.
        floats: operators that stay float.
    """

    name: str
    seconds: float
    onnx_bytes: int
    tflite_bytes: int
    runtime: str
    similarity: Similarity
    same_bits: tuple[int, int]
    audit: str
    floats: int


def recipes() -> Mapping[str, tuple[Recipe, bool]]:
    """Name of a row -> recipe, and whether it is given calibration data."""
    w4, w8, w8a8 = Recipe.load("w4"), Recipe.load("w8"), Recipe.load("w8a8")
    return {
        "w8": (w8, False),
        "w8a8": (w8a8, True),
        "w8a8, SmoothQuant": (_algorithms(w8a8, scaling="smoothquant"), True),
        "w4 without data": (w4, False),
        "w4, minmax, without data": (_ranges(w4, "minmax"), False),
        "w4, asymmetric, without data": (_symmetric(w4, False), False),
        "w4, AWQ": (_algorithms(w4, rounding="nearest", scaling="awq"), True),
        "w4, AWQ and GPTQ": (_algorithms(w4, scaling="awq"), True),
        "w4, GPTQ alone": (_algorithms(w4, distillation=0), True),
        "w4": (w4, True),
        "w4, asymmetric": (_symmetric(w4, False), True),
        "w4, 8-bit table": (_wide(w4, "words*"), True),
        "w4, blocks of 64": (replace(w4, weights=replace(w4.weights, block=64)), True),
    }


def _calibration(samples: int) -> CalibrationData:
    """Texts of another corpus, each with the next one: no token is padding. Some are one word.

    What is one word long is mostly padding, which counts as much as words: an eighth is enough.
    """
    news = sentences()[::2]
    long = [f"{a} {b}" for a, b in pairwise(news)]
    words = sorted({word for text in news for word in text.split() if word.isalpha()})
    step = len(words) // 40
    chosen = [words[step * (i // 8)] if i % 8 == 7 else long[i] for i in range(samples)]
    ids, mask = minilm.tokenizer()(chosen)
    return open_data(list(zip(ids[:, None], mask[:, None], strict=True)))


def _ranges(recipe: Recipe, method: str) -> Recipe:
    return replace(recipe, weights=replace(recipe.weights, range=method))


def _symmetric(recipe: Recipe, symmetric: bool) -> Recipe:
    return replace(recipe, weights=replace(recipe.weights, symmetric=symmetric))


def _algorithms(recipe: Recipe, **changes: Any) -> Recipe:
    return replace(recipe, algorithms=replace(recipe.algorithms, **changes))


def _wide(recipe: Recipe, pattern: str) -> Recipe:
    return replace(recipe, overrides=(Override(pattern, weight_bits=8),))


def measure(
    name: str, recipe: Recipe, data: CalibrationData | None, exact: Artifact, progress: Any
) -> Row:
    """Quantize, save both files, compare."""
    start = time.perf_counter()
    quantized = edgesdk.quantize(exact.data, data, recipe, progress=progress)
    seconds = time.perf_counter() - start
    onnx = quantized.to_bytes("onnx")
    tflite = quantized.to_bytes("tflite") if recipe.weights.symmetric else b""
    runtime = "native" if tflite else "onnxruntime"
    with TemporaryDirectory() as folder:
        path = Path(folder) / ("model.tflite" if tflite else "model.onnx")
        path.write_bytes(tflite or onnx)
        found = similarity(exact, path, runtime)
    same = _same_bits(tflite) if tflite else (0, 0)
    audit = str(audit_onnxruntime(onnx))
    floats = quantized.counts().get("float", 0)
    return Row(name, seconds, len(onnx), len(tflite), runtime, found, same, audit, floats)


def _same_bits(tflite: bytes) -> tuple[int, int]:
    """Each such layer of the file alone, on what reaches it from a text in the simulation."""
    model, simulation = read_model(tflite), ReferenceRuntime().open(tflite)
    ids, mask = minilm.tokenizer()(texts()[:1])
    simulation.run([ids, mask])
    values, graph = simulation.tensors(), model.subgraphs[0]
    same = total = 0
    for operator in graph.operators:
        if not any(graph.tensors[i].type == "INT4" for i in operator.inputs if i >= 0):
            continue
        read = [i for i in operator.inputs if i >= 0 and graph.tensors[i].data is None]
        alone = replace(graph, operators=(operator,), inputs=tuple(read), outputs=operator.outputs)
        given = [values[graph.tensors[i].name] for i in read]
        layer = write_model(replace(model, subgraphs=(alone,), metadata={}))
        ours, simulated = (
            r.open(layer).run(given)[0] for r in (NativeRuntime(), ReferenceRuntime())
        )
        same, total = same + np.array_equal(ours, simulated), total + 1
    return same, total


def cells(row: Row, float_bytes: int) -> tuple[str, ...]:
    """The row of the table."""
    found, size = row.similarity, row.tflite_bytes or row.onnx_bytes
    return (
        row.name,
        f"{found.words.mean:.4f}",
        f"{found.words.least:.4f}",
        f"{found.texts.mean:.4f}",
        f"{found.texts.least:.4f}",
        f"{found.spearman:.4f}",
        f"{row.tflite_bytes / 1e6:.2f}" if row.tflite_bytes else "-",
        f"{row.onnx_bytes / 1e6:.2f}",
        f"1/{float_bytes / size:.2f}",
        row.runtime,
        "{}/{}".format(*row.same_bits),
        row.audit,
        str(row.floats),
        f"{row.seconds:.0f}",
    )


HEADER = (
    *("", ">cosine words", ">least", ">cosine texts", ">least", ">Spearman", ">.tflite MB"),
    *(
        ">.onnx MB",
        ">of float",
        "measured on",
        "layers as simulated",
        "ONNX Runtime fuses",
        ">float",
        ">s",
    ),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="parts of row names (default all)")
    parser.add_argument("--samples", type=int, default=256, help="calibration samples, up to 299")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    exact = Artifact("float", "onnx", to_bytes(capture(JOBS[MODEL].model())))
    data = _calibration(options.samples)
    rows = []
    with progress_bar(quiet=options.json) as progress:
        for name, (recipe, given) in recipes().items():
            if options.words and not any(word in name for word in options.words):
                continue
            rows.append(measure(name, recipe, data if given else None, exact, progress))
    if options.json:
        print_json(rows)
        return
    spearman = rows[0].similarity.spearman_float if rows else 0.0
    print_table(
        f"{MODEL}, float: Spearman {spearman:.4f}, {len(exact.data) / 1e6:.2f} MB",
        HEADER,
        [cells(row, len(exact.data)) for row in rows],
    )


if __name__ == "__main__":
    main()
