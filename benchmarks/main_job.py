"""The main job on EfficientNet-Lite0: quantize with 64 images, prove on the others, say the cost.

Run: python -m benchmarks.main_job [--images DIR --labels CSV] [--recipe NAME] [--json]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import edgesdk
from benchmarks.data import shared_data
from edgesdk.artifact import Artifact
from edgesdk.capture import capture
from edgesdk.cli.output import in_bytes, print_json, print_table
from edgesdk.cli.progress import progress_bar
from edgesdk.cli.verify import print_verification
from edgesdk.verification import Verification
from edgesdk_quant.data import open_data
from edgesdk_quant.graph import to_bytes
from examples.models import efficientnet_lite

CALIBRATION_IMAGES = 64


@dataclass
class CpuSeconds:
    """Processor time of each step, of all threads, imports left out."""

    of: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.process_time()
        yield
        self.of[name] = time.process_time() - start


@dataclass(frozen=True)
class Figures:
    """What the main job is judged by."""

    cpu_seconds: dict[str, float]
    cpu_seconds_in_all: float
    size_bytes: dict[str, int]
    transposes: int
    verification: Verification


def measure(images: Path, labels: Path, recipe: str, progress: Any) -> Figures:
    """Do the job in a temporary folder."""
    data = open_data(images, efficientnet_lite.preprocess())
    cpu = CpuSeconds()
    module = efficientnet_lite.build()
    with cpu.step("capture"):
        graph = capture(module)
    with cpu.step("quantize"):
        quantized = edgesdk.quantize(
            graph, data.limited(CALIBRATION_IMAGES), recipe, progress=progress
        )
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("model.onnx", "model.tflite")]
        for path in paths:
            with cpu.step(f"write {path.name}"):
                quantized.save(path)
        proof = edgesdk.verify(
            paths[0],
            Artifact("float", "onnx", to_bytes(graph)),
            data.skipped(CALIBRATION_IMAGES),
            labels,
            progress=progress,
        )
        operators = {c.name: c.count for c in edgesdk.inspect(paths[1]).operators}
        sizes = {path.name: path.stat().st_size for path in paths}
    total = sum(cpu.of.values())
    return Figures(cpu.of, total, sizes, operators.get("TRANSPOSE", 0), proof)


def _print(figures: Figures) -> None:
    print_verification(figures.verification)
    rows = [(name, f"{seconds:.1f}") for name, seconds in figures.cpu_seconds.items()]
    rows.append(("in all", f"{figures.cpu_seconds_in_all:.1f}"))
    print_table("Cost, imports left out", ["step", ">CPU seconds"], rows)
    for name, size in figures.size_bytes.items():
        print(f"{name}: {in_bytes(size)}")
    print(f"TRANSPOSE operators in the .tflite file: {figures.transposes}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, help="folder of at least 65 labelled images")
    parser.add_argument("--labels", type=Path, help="CSV file: file,class")
    parser.add_argument("--recipe", default="w8a8", help="name or .toml file (default w8a8)")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    images = options.images or shared_data() / "imagenet" / "images"
    labels = options.labels or shared_data() / "imagenet" / "labels.csv"
    with progress_bar(quiet=options.json) as progress:
        figures = measure(images, labels, options.recipe, progress)
    if options.json:
        print_json(figures)
    else:
        _print(figures)


if __name__ == "__main__":
    main()
