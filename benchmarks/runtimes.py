"""All runtimes on the same .tflite files, interleaved; only ratios within one run mean anything.

Run: python -m benchmarks.runtimes [FILE ...] [--threads 1,2] [--rounds N] [--json]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import edgesdk
from benchmarks.data import shared_data
from edgesdk.benchmark import Benchmark
from edgesdk.cli.options import numbers
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.progress import progress_bar

FILES = (
    "effnet_lite0_int8",
    "mobilenet_v2_int8",
    "resnet18_int8",
    "resnet8_int8",
    "resnet8_fp32",
    "dscnn_int8",
    "dscnn_fp32",
)


def _rows(result: Benchmark) -> list[tuple[str, ...]]:
    """One row for each thread count: the median of each runtime and our ratio to LiteRT."""
    rows = []
    for threads in sorted({timing.threads for timing in result.timings}):
        found = {t.runtime: t for t in result.timings if t.threads == threads}
        native, litert = found.get("native"), found.get("litert")
        ratio = f"{litert.p50_ms / native.p50_ms:.2f}" if native and litert else "-"
        cells = [f"{t.p50_ms:.3f} / {t.min_ms:.3f}" if t else "-" for t in (native, litert)]
        memory = [f"{t.rss_mb:.0f}" if t and t.rss_mb else "-" for t in (native, litert)]
        rows.append((Path(result.artifact).stem, str(threads), *cells, ratio, *memory))
    return rows


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help=".tflite files")
    parser.add_argument("--threads", default="1", help="e.g. 1,2 (default 1)")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each (default 20)")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    files = options.files or [shared_data() / "tflite" / f"{name}.tflite" for name in FILES]
    threads = numbers(options.threads)
    with progress_bar(quiet=options.json) as progress:
        results = [
            edgesdk.bench(file, None, threads, rounds=options.rounds, progress=progress)
            for file in files
        ]
    if options.json:
        print_json(results)
        return
    print_table(
        "p50 / min in ms, interleaved",
        ["model", ">threads", ">native", ">litert", ">times litert", ">native MB", ">litert MB"],
        [row for result in results for row in _rows(result)],
    )


if __name__ == "__main__":
    main()
