"""Cold start of edge-run with a warm file cache: from exec to the first output, and the memory.

    python -m benchmarks.cold_start [MODEL.tflite] [--rounds 50] [--program PATH] [--kernels avx2]

Three programs take turns: `--version` (the process alone), `verify` (load, check, plan, pack) and
`run` (input file in, output file out). Each line gives the shortest wall time and CPU time; the
last line the most memory that the program held at once.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.data import shared_data
from edgesdk_runtimes.native import NativeRuntime


@dataclass(frozen=True)
class Cost:
    """Of one process, in milliseconds."""

    wall: float
    cpu: float


def spend(words: list[str]) -> Cost:
    """Run a program to its end; its output goes nowhere."""
    silence = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    start = time.perf_counter()
    process = os.posix_spawn(words[0], words, os.environ, file_actions=[silence])
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - start
    if status:
        sys.exit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(wall * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3)


def peak_memory(program: str, model: Path) -> float:
    """Megabytes (10^6 bytes) that edge-run says it held; rusage counts its parent's too."""
    words = [program, "bench", str(model), "--runs", "1", "--json"]
    done = subprocess.run(words, capture_output=True, check=True, text=True)
    return float(json.loads(done.stdout)["peak_memory_bytes"]) / 1e6


def write_input(model: Path, folder: Path) -> list[str]:
    """Zeros for every input, as edge-run's options."""
    words: list[str] = []
    session = NativeRuntime().open(model.read_bytes())
    for i, spec in enumerate(session.inputs):
        path = folder / f"x{i}.npy"
        np.save(path, np.zeros([size or 1 for size in spec.shape], spec.dtype))
        words += ["--input", str(path)]
    session.close()
    return words


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=50)
    beside = shutil.which("edge-run", path=Path(sys.executable).parent)
    parser.add_argument("--program", default=beside)
    parser.add_argument("--kernels", help="of this instruction set instead of the fastest")
    given = parser.parse_args()
    model = given.model or shared_data() / "tflite" / "effnet_lite0_int8.tflite"
    with tempfile.TemporaryDirectory() as name:
        inputs = write_input(model, Path(name))
        chosen = ["--kernels", given.kernels] if given.kernels else []
        output = ["--output", f"{name}/y.npy"]
        programs = {
            "process": [given.program, "--version"],
            "verify": [given.program, "verify", str(model), *chosen],
            "run": [given.program, "run", str(model), *inputs, *output, *chosen],
        }
        costs: dict[str, list[Cost]] = {kind: [] for kind in programs}
        for _ in range(given.rounds):
            for kind, words in programs.items():
                costs[kind].append(spend(words))
    print(f"{model.name}, {given.rounds} rounds")
    for kind, all_ in costs.items():
        wall, cpu = min(c.wall for c in all_), min(c.cpu for c in all_)
        print(f"{kind:8s} wall {wall:6.2f} ms, CPU {cpu:6.2f} ms")
    print(f"peak memory {peak_memory(given.program, model):.1f} MB")


if __name__ == "__main__":
    main()
