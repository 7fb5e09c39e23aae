"""Native, LiteRT and the numpy interpreter on the same files: which elements differ, and where.

    python -m benchmarks.bit_exactness [--runs 2] [--only PART_OF_A_NAME] [--json FILE]

Takes every .tflite file of the shared data: the benchmark files, the collection, MLPerf Tiny and
the int16 goldens, which bring their inputs; others are pseudo-random. Where outputs differ from
native's, every tensor is made an output and the first operator whose result differs is named.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.data import shared_data
from edgesdk_quant.reference import ReferenceRuntime
from edgesdk_quant.tflite.model import Model
from edgesdk_quant.tflite.reader import read_model
from edgesdk_quant.tflite.writer import write_model
from edgesdk_runtimes.base import Array, Runtime, TensorSpec
from edgesdk_runtimes.errors import EdgeError
from edgesdk_runtimes.litert import LiteRtRuntime
from edgesdk_runtimes.native import NativeRuntime

FOLDERS = ("tflite", "tflite/collection", "mlperf-tiny", "int16-goldens")
# Of these types a tensor can be read; the rest are handles and texts.
READABLE = frozenset({"FLOAT32", "INT8", "UINT8", "INT16", "INT32", "INT64", "BOOL"})


@dataclasses.dataclass(frozen=True)
class Difference:
    """How one runtime's outputs differ from native's.

    Attributes:
        runtime: whose.
        elements: compared.
        differing: not the same bits.
        largest: largest difference, in stored units for integers, absolute for floats.
        relative: of floats: largest difference as a share of the output's largest magnitude.
        operator: the first whose result differs, "" where none does or none could be found.
        why: why it could not run the file, "" when it could.
    """

    runtime: str
    elements: int = 0
    differing: int = 0
    largest: float = 0.0
    relative: float = 0.0
    operator: str = ""
    why: str = ""


@dataclasses.dataclass(frozen=True)
class Row:
    """One file: why native refuses it, or how the others differ."""

    file: str
    refused: str
    others: tuple[Difference, ...] = ()


def inputs_for(specs: Sequence[TensorSpec], rng: np.random.Generator) -> list[Array]:
    """All stored values of 8 and 16 bits, floats in [-1, 1), small whole numbers elsewhere."""
    return [_input(tuple(size or 1 for size in s.shape), s.dtype, rng) for s in specs]


def _input(shape: tuple[int, ...], dtype: np.dtype, rng: np.random.Generator) -> Array:
    if dtype.kind == "f":
        return rng.uniform(-1, 1, shape).astype(dtype)
    if dtype.itemsize > 2 or dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max + 1, shape).astype(dtype)


def golden_inputs(path: Path, specs: Sequence[TensorSpec]) -> list[Array]:
    """The CSV files beside a golden model, one for each input; none beside other models."""
    tables = sorted(path.parent.glob(f"{path.stem}_input*.csv"))
    return [
        np.loadtxt(table, np.int64, delimiter=",")
        .reshape([n or 1 for n in spec.shape])
        .astype(spec.dtype)
        for table, spec in zip(tables, specs, strict=False)
    ]


def run(runtime: Runtime, model: bytes, frames: Sequence[Sequence[Array]]) -> list[Array]:
    """All outputs of all frames, in one session: state carries over."""
    session = runtime.open(model)
    try:
        return [output for frame in frames for output in session.run(frame)]
    finally:
        session.close()


def compare(ours: Sequence[Array], theirs: Sequence[Array], name: str) -> Difference:
    """Sum up over all outputs."""
    differing, largest, relative = 0, 0.0, 0.0
    for a, b in zip(ours, theirs, strict=True):
        unequal = ~((a == b) | ((a != a) & (b != b)))
        differing += int(unequal.sum())
        if unequal.any():
            apart = float(np.abs(a[unequal].astype(np.float64) - b[unequal]).max())
            largest = max(largest, apart)
            if a.dtype.kind == "f":
                relative = max(relative, apart / float(np.abs(b).max() or 1))
    return Difference(name, sum(a.size for a in ours), differing, largest, relative)


def first_operator(runtime: Runtime, model: Model, frames: Sequence[Sequence[Array]]) -> str:
    """Name the first operator whose result differs, by making every tensor an output."""
    graph = model.subgraphs[0]
    made = {t: op.code for op in graph.operators for t in op.outputs}
    outputs = tuple(t for t in made if graph.tensors[t].type in READABLE)
    wide = dataclasses.replace(graph, outputs=outputs)
    data = write_model(dataclasses.replace(model, subgraphs=(wide, *model.subgraphs[1:])))
    try:
        ours, theirs = run(NativeRuntime(), data, frames[:1]), run(runtime, data, frames[:1])
    except EdgeError:
        return ""
    pairs = zip(outputs, ours, theirs, strict=True)
    return next((made[t] for t, a, b in pairs if compare([a], [b], "").differing), "")


def hold_against(
    runtime: Runtime, model: bytes, frames: Sequence[Sequence[Array]], ours: Sequence[Array]
) -> Difference:
    """Run a file elsewhere and compare."""
    try:
        found = compare(ours, run(runtime, model, frames), runtime.name)
    except EdgeError as error:
        return Difference(runtime.name, why=str(error))
    if not found.differing:
        return found
    return dataclasses.replace(found, operator=first_operator(runtime, read_model(model), frames))


def examine(path: Path, name: str, runs: int) -> Row:
    """Run one file everywhere."""
    model, rng = path.read_bytes(), np.random.default_rng(0)
    try:
        session = NativeRuntime().open(model)
        golden = golden_inputs(path, session.inputs)
        random = [inputs_for(session.inputs, rng) for _ in range(runs)]
        frames = [golden] if golden else random
        session.close()
        ours = run(NativeRuntime(), model, frames)
    except EdgeError as error:
        return Row(name, str(error))
    others = (LiteRtRuntime(), ReferenceRuntime())
    return Row(name, "", tuple(hold_against(other, model, frames, ours) for other in others))


def show(row: Row) -> None:
    """Print a file's line."""
    if row.refused:
        print(f"{row.file}: native refuses: {row.refused}", flush=True)
        return
    print(f"{row.file}: " + "; ".join(_text(other) for other in row.others), flush=True)


def _text(other: Difference) -> str:
    if other.why:
        return f"{other.runtime} refuses: {other.why.splitlines()[0][:90]}"
    if not other.differing:
        return f"{other.runtime} same in {other.elements}"
    size = f"{other.relative:.1e} of the largest" if other.relative else f"{other.largest:g}"
    where = f", first in {other.operator}" if other.operator else ""
    return f"{other.runtime} {other.differing} of {other.elements} differ, at most {size}{where}"


def summarize(rows: Sequence[Row]) -> None:
    """Print the totals of each runtime."""
    ran = [row for row in rows if not row.refused]
    print(f"{len(rows)} files, {len(ran)} run on native")
    for name in ("litert", "reference"):
        others = [other for row in ran for other in row.others if other.runtime == name]
        print(f"{name}: {_totals([other for other in others if not other.why])}")


def _totals(others: Sequence[Difference]) -> str:
    floats = [other for other in others if other.relative]
    integers = [other for other in others if other.differing and not other.relative]
    same = len(others) - len(floats) - len(integers)
    units = max((other.largest for other in integers), default=0.0)
    share = max((other.relative for other in floats), default=0.0)
    return (
        f"{len(others)} files, {sum(other.elements for other in others)} elements: the same bits "
        f"in {same} files; integer outputs differ in {len(integers)} files, "
        f"{sum(other.differing for other in integers)} elements, by at most {units:g}; float "
        f"outputs in {len(floats)} files, by at most {share:.1e} of the largest value"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=2, help="inputs for each file")
    parser.add_argument("--only", default="", help="files whose name holds this")
    parser.add_argument("--json", type=Path, help="write all rows there")
    given = parser.parse_args()
    root, rows = shared_data(), []
    for folder in FOLDERS:
        walk = root.joinpath(folder).glob if folder == "tflite" else root.joinpath(folder).rglob
        for path in sorted(walk("*.tflite")):
            if given.only not in path.name:
                continue
            rows.append(examine(path, str(path.relative_to(root)), given.runs))
            show(rows[-1])
    summarize(rows)
    if given.json:
        given.json.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
