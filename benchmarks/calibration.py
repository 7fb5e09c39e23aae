"""Calibration: memory against the number of samples, and where the time of quantization goes.

Each measurement is a process of its own: peak memory never sinks within one.

Run: python -m benchmarks.calibration [--samples 64,512] [--json]
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import edgesdk
from benchmarks.data import shared_data
from edgesdk.capture import capture
from edgesdk.cli.options import numbers
from edgesdk.cli.output import print_json, print_table
from edgesdk.footprint import peak_memory_mb
from edgesdk_quant.data import CalibrationData, open_data
from examples.models import efficientnet_lite

MOST_GROWTH = 0.05
# Function of the profile (file, name) -> what the table calls it.
PARTS: Mapping[tuple[str, str], str] = {
    ("preprocess.py", "load"): "decode, resize and crop images",
    ("onnxruntime.py", "run"): "run the float model",
    ("histogram.py", "add"): "histograms of activations",
    ("channel_mean.py", "add"): "means of channels, for bias correction",
    ("data.py", "sample_digest"): "hash of the data",
    ("ranges.py", "find_range"): "search of ranges",
    ("weight_ranges.py", "find_parameters"): "ranges of weights",
    ("insertion.py", "insert"): "insert Q/DQ",
    ("file.py", "to_bytes"): "serialize graphs",
}


@dataclass(frozen=True)
class Measurement:
    """One quantization in a fresh process, imports and capture left out of the times.

    Attributes:
        samples: how many calibration images.
        peak_mb: peak resident memory, in 10^6 bytes.
        before_mb: peak before quantization began, with the captured model in memory.
        cpu_s: processor seconds of quantization.
        wall_s: seconds of quantization.
    """

    samples: int
    peak_mb: float
    before_mb: float
    cpu_s: float
    wall_s: float


def repeated(data: CalibrationData, count: int) -> CalibrationData:
    """The samples again and again, as often as asked for; the folder holds 200."""

    def source() -> Iterator[tuple[str, Any]]:
        number = 0
        while True:
            for name, content in data.source():
                if number == count:
                    return
                yield f"{number}/{name}", content
                number += 1

    return CalibrationData(data.description, count, source)


def measure(samples: int) -> Measurement:
    """Quantize EfficientNet-Lite0 in this process."""
    graph = capture(efficientnet_lite.build())
    data = repeated(
        open_data(shared_data() / "imagenet" / "images", efficientnet_lite.preprocess()), samples
    )
    before = peak_memory_mb()
    cpu, wall = time.process_time(), time.perf_counter()
    edgesdk.quantize(graph, data)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Measurement(samples, peak_memory_mb(), before, cpu, wall)


def breakdown(samples: int = 64) -> list[tuple[str, float]]:
    """Seconds of each part, by the profiler, which itself costs a little; the rest comes last."""
    graph = capture(efficientnet_lite.build())
    data = open_data(shared_data() / "imagenet" / "images", efficientnet_lite.preprocess()).limited(
        samples
    )
    profiler = cProfile.Profile(time.process_time)
    profiler.runcall(edgesdk.quantize, graph, data)
    stats = pstats.Stats(profiler)
    found: dict[str, float] = {}
    for (path, _, function), (_, _, _, total, _) in stats.stats.items():  # type: ignore[attr-defined]
        part = PARTS.get((path.rpartition("/")[2], function))
        if part is not None and "edgesdk" in path:
            found[part] = found.get(part, 0.0) + total
    rest = stats.total_tt - sum(found.values())  # type: ignore[attr-defined]
    return [*sorted(found.items(), key=lambda item: -item[1]), ("all else", rest)]


def in_a_process(*arguments: str) -> Any:
    """What this program prints as JSON with these arguments."""
    command = [sys.executable, "-m", "benchmarks.calibration", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _print(measured: Sequence[Measurement], parts: Sequence[tuple[str, float]]) -> None:
    least = measured[0]
    print_table(
        "EfficientNet-Lite0, w8a8",
        [">samples", ">peak MB", ">against the first", ">before MB", ">CPU s", ">wall s"],
        [
            (
                str(m.samples),
                f"{m.peak_mb:.1f}",
                f"{100 * (m.peak_mb / least.peak_mb - 1):+.2f} %",
                f"{m.before_mb:.1f}",
                f"{m.cpu_s:.1f}",
                f"{m.wall_s:.1f}",
            )
            for m in measured
        ],
    )
    print_table(
        "Where 64 samples spend it",
        ["part", ">CPU s"],
        [(part, f"{seconds:.2f}") for part, seconds in parts],
    )
    growth = max(m.peak_mb for m in measured) / least.peak_mb - 1
    verdict = "flat" if growth <= MOST_GROWTH else "NOT flat"
    print(f"Memory is {verdict}: at most {100 * growth:.2f} % above {least.samples} samples.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", default="64,512", help="e.g. 64,512 (default)")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--breakdown", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(vars(measure(options.one))))
        return
    if options.breakdown:
        print(json.dumps(breakdown()))
        return
    measured = [
        Measurement(**in_a_process("--one", str(count))) for count in numbers(options.samples)
    ]
    parts = [(part, seconds) for part, seconds in in_a_process("--breakdown")]
    if options.json:
        print_json({"measurements": measured, "parts": dict(parts)})
    else:
        _print(measured, parts)


if __name__ == "__main__":
    main()
