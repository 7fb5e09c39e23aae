"""Four bits on trained networks: size, accuracy on every runtime, and what quantizing costs.

Each network is quantized in a process of its own, so that the peak memory is its own. Images that
calibration saw are not among those that judge.

Run: python -m benchmarks.four_bits [WORD ...] [--recipe w4a8] [--json]
A WORD picks networks by name.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import edgesdk
from benchmarks.model_jobs import JOBS, TRAINED_CIFAR, Job, cifar_samples
from edgesdk.artifact import Artifact
from edgesdk.capture import capture
from edgesdk.cli.output import print_json, print_table
from edgesdk.verification import Verification
from edgesdk_quant.graph import to_bytes
from edgesdk_runtimes.errors import RuntimeMissingError

CIFAR_TEST = 1000


def jobs() -> Mapping[str, Job]:
    """Networks with trained weights; CIFAR-10 has images enough to tell half a point."""
    chosen = {name: job for name, job in JOBS.items() if "seeded" not in name}
    del chosen["MiniLM-L6"]
    for name, job in chosen.items():
        if name.startswith("ResNet") or "CIFAR" in name:
            normal = TRAINED_CIFAR if "CIFAR" in name else ()
            chosen[name] = replace(job, samples=partial(cifar_samples, CIFAR_TEST, *normal))
    return chosen


@dataclass(frozen=True)
class Row:
    """One network.

    Attributes:
        name: of the network.
        float_bytes: size of the float .onnx file.
        tflite_bytes: size of the quantized .tflite file.
        cpu_minutes: user and system time of quantizing, all threads.
        peak_mb: peak resident memory of quantizing, imports and model included, in 10^6 bytes.
        proof: float, simulation and runtimes on the test samples.
    """

    name: str
    float_bytes: int
    tflite_bytes: int
    cpu_minutes: float
    peak_mb: float
    proof: Verification


def measure(name: str, recipe: str) -> Row:
    """Quantize and verify in a temporary folder."""
    job = jobs()[name]
    samples, graph = job.samples(), capture(job.model())
    before = _cpu_seconds()
    quantized = edgesdk.quantize(graph, samples.calibration, recipe)
    cpu_minutes = (_cpu_seconds() - before) / 60
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    exact = to_bytes(graph)
    with TemporaryDirectory() as folder:
        onnx, tflite = (Path(folder) / f"model.{kind}" for kind in ("onnx", "tflite"))
        quantized.save(onnx)
        quantized.save(tflite)
        proof = edgesdk.verify(onnx, Artifact("float", "onnx", exact), samples.test, samples.labels)
        size = tflite.stat().st_size
    return Row(name, len(exact), size, cpu_minutes, peak_mb, proof)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def cells(row: Row) -> tuple[str, ...]:
    """The row of the table."""
    simulated, *runtimes = row.proof.results
    top1 = "; ".join(f"{r.runtime} {r.failure[:40] or _percent(r.top1)}" for r in row.proof.results)
    return (
        row.name,
        f"{row.tflite_bytes:,}",
        f"1/{row.float_bytes / row.tflite_bytes:.2f}",
        _percent(row.proof.float_top1),
        top1,
        _percent(simulated.agreement),
        _percent(simulated.sqnr_db),
        "; ".join(f"{r.runtime} {r.different}" for r in runtimes),
        str(row.proof.samples),
        f"{row.cpu_minutes:.1f}",
        f"{row.peak_mb:.0f}",
    )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


HEAD = (
    *("network", ">.tflite bytes", ">of float", ">float %", "top-1 %", ">agrees %", ">SQNR dB"),
    *("differ from the simulation", ">samples", ">CPU min", ">peak MB"),
)


def _chosen(words: Sequence[str]) -> list[str]:
    names = list(jobs())
    return [n for n in names if not words or any(w.lower() in n.lower() for w in words)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="parts of network names (default all)")
    parser.add_argument("--recipe", default="w4a8", help="name or .toml file (default w4a8)")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    rows = []
    for name in _chosen(options.words):
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=fresh) as process:
            row = process.submit(measure, name, options.recipe)
            try:
                rows.append(row.result())
            except RuntimeMissingError as error:
                print(f"{name} is left out. {error}", file=sys.stderr)
    if options.json:
        print_json(rows)
    else:
        print_table(f"Recipe {options.recipe}", list(HEAD), [cells(row) for row in rows])


if __name__ == "__main__":
    main()
