"""A Llama of 260,000 parameters that tells stories, decoded token by token with its caches.

Perplexity and next tokens on paragraphs of TinyStories, on the native runtime, against the float
module; time of a token beside LiteRT.

Run: python -m benchmarks.story [--paragraphs N] [--json]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

import edgesdk
from benchmarks.byte_pairs import Vocabulary
from benchmarks.data import shared_data
from benchmarks.llama import WINDOW, Decoder, input_specs, load_decoder, steps
from edgesdk.benchmark import compare_runtimes
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk_quant.progress import Progress
from edgesdk_runtimes.base import Array

RECIPES = ("w8", "w8-dynamic", "w8a8", "w4")
SHORTEST = 200  # letters of a paragraph
SAMPLES = 1024
EVERY = 3  # steps of a paragraph between two calibration samples, the first among them
ROUNDS = 20
HEADINGS = ("tokens", "perplexity", "top-1 %", "bytes", "native ms", "LiteRT ms")


@dataclass(frozen=True)
class Row:
    """One recipe on native; times are the fastest of some hundred steps in turn.

    Attributes:
        name: of the recipe.
        tokens: how many were predicted.
        perplexity: exp of the mean negative log-likelihood.
        top1_percent: next tokens that were the likeliest.
        bytes: of the .tflite file.
        native_ms: of a token.
        litert_ms: of a token.
    """

    name: str
    tokens: int
    perplexity: float
    top1_percent: float
    bytes: int = 0
    native_ms: float = 0.0
    litert_ms: float = 0.0


def judge(name: str, run: Any, decoder: Decoder, texts: Sequence[Sequence[int]]) -> Row:
    """Predict each token of each text from those before it."""
    loss, right, count = 0.0, 0, 0
    for tokens in texts:
        for logits, token in zip(steps(run, decoder.start(), tokens[:-1]), tokens[1:], strict=True):
            shifted = logits.astype(np.float64) - logits.max()
            loss += float(np.log(np.exp(shifted).sum()) - shifted[token])
            right += int(logits.argmax() == token)
            count += 1
    return Row(name, count, float(np.exp(loss / count)), 100 * right / count)


def float_run(decoder: Decoder) -> Any:
    """The module as `steps` wants it."""

    def run(*arrays: Array) -> list[Array]:
        with torch.no_grad():
            return [y.numpy() for y in decoder(*map(torch.from_numpy, arrays))]

    return run


def samples(decoder: Decoder, texts: Sequence[Sequence[int]]) -> list[dict[str, Array]]:
    """Inputs of some steps of each text, as the float decoder meets them."""
    found: list[dict[str, Array]] = []
    names, run = list(decoder.start()), float_run(decoder)

    def noting(*arrays: Array) -> list[Array]:
        if int(arrays[1][0]) % EVERY == 0 and len(found) < SAMPLES:
            found.append(dict(zip(names, arrays, strict=True)))
        return run(*arrays)  # type: ignore[no-any-return]

    for tokens in texts:
        if len(found) < SAMPLES:
            list(steps(noting, decoder.start(), tokens[:-1]))
    return found


def measure(count: int, progress: Progress) -> list[Row]:
    """Float, then each recipe."""
    folder = shared_data() / "story"
    decoder = load_decoder(folder / "stories260K.bin")
    vocabulary = Vocabulary(folder / "tok512.bin", decoder.sizes.tokens)
    lines = (folder / "tinystories_val.txt").read_text().split("\n")
    long = [line.strip() for line in lines if len(line) > SHORTEST]
    judged, others = (
        [vocabulary.encode(text)[: WINDOW + 1] for text in part]
        for part in (long[:count], long[count : count + 30])
    )
    data = samples(decoder, others)
    rows = [judge("float", float_run(decoder), decoder, judged)]
    with TemporaryDirectory() as work:
        for recipe in RECIPES:
            path = Path(work) / f"{recipe}.tflite"
            edgesdk.quantize(
                decoder, data, recipe, inputs=input_specs(decoder.start()), progress=progress
            ).save(path)
            rows.append(_judge_file(recipe, path, decoder, judged))
    return rows


def _judge_file(name: str, path: Path, decoder: Decoder, texts: Sequence[Sequence[int]]) -> Row:
    row = judge(name, edgesdk.Runner(path, runtime="native"), decoder, texts)
    timed = compare_runtimes(path, ["native", "litert"], [1], rounds=ROUNDS)
    times = {timing.runtime: timing.min_ms for timing in timed.timings}
    return Row(
        name, row.tokens, row.perplexity, row.top1_percent, path.stat().st_size,
        times["native"], times["litert"],
    )  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paragraphs", type=int, default=200, help="default %(default)s")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    args = parser.parse_args()
    with progress_bar(quiet=args.json) as progress:
        rows = measure(args.paragraphs, progress)
    if args.json:
        print_json(rows)
        return
    columns = ["recipe", *(f">{name}" for name in HEADINGS)]
    print_table("Stories of a Llama, 260,000 parameters", columns, [_cells(row) for row in rows])


def _cells(row: Row) -> list[str]:
    judged = [row.name, str(row.tokens), f"{row.perplexity:.3f}", f"{row.top1_percent:.2f}"]
    if not row.bytes:
        return [*judged, "", "", ""]
    return [*judged, str(row.bytes), f"{row.native_ms:.3f}", f"{row.litert_ms:.3f}"]


if __name__ == "__main__":
    main()
