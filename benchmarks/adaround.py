"""AdaRound on EfficientNet-Lite0: its cost, and that a run killed half-way gives the same file.

Three processes: one that is left alone, one that gets SIGKILL when half of the layers are rounded,
and one that goes on in its folder. SHA-256 of the artifacts must agree.

Run: python -m benchmarks.adaround [--samples 64] [--iterations 200] [--json]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from benchmarks.data import shared_data
from edgesdk.cli.output import print_json, print_table
from edgesdk_quant.recipe import Recipe

MODEL = "examples.models.efficientnet_lite:build"
PREPROCESS = "crop=224,resize=256,mean=127,std=128"
INTEGERS = frozenset({onnx.TensorProto.INT4, onnx.TensorProto.INT8})
POLL_S = 0.2


@dataclass(frozen=True)
class Run:
    """One process.

    Attributes:
        name: what became of it.
        layers: rounded when it ended.
        cpu_minutes: user and system time, all threads.
        wall_minutes: from start to end.
        peak_mb: peak resident memory, in 10^6 bytes.
        sha256: of the .tflite file; "" where it was killed.
    """

    name: str
    layers: int
    cpu_minutes: float
    wall_minutes: float
    peak_mb: float
    sha256: str = ""


def recipe_with(iterations: int) -> Recipe:
    """w4a8, the rounding learnt."""
    recipe = Recipe.load("w4a8")
    learnt = replace(recipe.algorithms, rounding="adaround", iterations=iterations)
    return replace(recipe, name="w4a8-adaround", algorithms=learnt)


def quantize_in(folder: Path, recipe: Path, samples: int, kill_at: int | None, name: str) -> Run:
    """Run `edgesdk quantize` in a process; kill it when so many layers are rounded."""
    command = [
        sys.executable, "-m", "edgesdk", "quantize", MODEL, "--recipe", str(recipe),
        "--calibration", str(shared_data() / "imagenet" / "images"), "--preprocess", PREPROCESS,
        "--limit", str(samples), "-o", str(folder), "--json",
    ]  # fmt: skip
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    done, kept = 0, 0
    while not done:
        time.sleep(POLL_S)
        kept = max(kept, rounded_layers(folder / ".calibration"))
        if kill_at is not None and kept >= kill_at:
            os.kill(process.pid, signal.SIGKILL)
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != (0 if kill_at is None else -signal.SIGKILL):
        sys.exit(f"The run {name!r} ended with {process.returncode}.")
    cpu, wall = usage.ru_utime + usage.ru_stime, time.monotonic() - start
    found = Run(name, kept, cpu / 60, wall / 60, usage.ru_maxrss * 1024 / 1e6)
    if kill_at is not None:
        return found
    data = (folder / "model.tflite").read_bytes()
    layers = integer_layers(folder / "model.onnx")
    return replace(found, layers=layers, sha256=hashlib.sha256(data).hexdigest())


def rounded_layers(folder: Path) -> int:
    """How many layers the saved state of the rounding holds."""
    for path in folder.glob("rounding-*.npz"):
        try:
            with zipfile.ZipFile(path) as state:
                return sum(name.startswith("weight of ") for name in state.namelist())
        except (OSError, zipfile.BadZipFile):  # replaced or removed meanwhile
            continue
    return 0


def integer_layers(path: Path) -> int:
    """How many layers of an artifact have integer weights."""
    graph = onnx.load(str(path)).graph
    return sum(t.data_type in INTEGERS and len(t.dims) >= 2 for t in graph.initializer)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=64, help="images (default 64)")
    parser.add_argument("--iterations", type=int, default=200, help="a block (default 200)")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    with TemporaryDirectory() as place:
        folder = Path(place)
        recipe = folder / "recipe.toml"
        recipe.write_text(recipe_with(options.iterations).to_toml(), encoding="utf-8")
        whole = quantize_in(folder / "a", recipe, options.samples, None, "left alone")
        half = whole.layers // 2
        killed = quantize_in(folder / "b", recipe, options.samples, half, "killed (SIGKILL)")
        resumed = quantize_in(folder / "b", recipe, options.samples, None, "gone on with")
    runs = [whole, killed, resumed]
    same = whole.sha256 == resumed.sha256
    if options.json:
        print_json({"runs": runs, "same": same})
    else:
        head = ["run", ">layers", ">CPU min", ">wall min", ">peak MB", "SHA-256 of model.tflite"]
        rows = [
            (r.name, str(r.layers), f"{r.cpu_minutes:.2f}", f"{r.wall_minutes:.2f}",
             f"{r.peak_mb:.0f}", r.sha256[:16])
            for r in runs
        ]  # fmt: skip
        title = f"AdaRound, {options.samples} images, {options.iterations} iterations a block"
        print_table(title, head, rows)
        print("The files are the same." if same else "The files DIFFER.")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
