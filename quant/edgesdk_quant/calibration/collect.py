"""Run the float model over the calibration data and keep statistics of chosen values.

One sample at a time, one pass, memory O(values * bins). The state is saved every few samples, so a
run that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray
from onnx_ir.passes import common

from edgesdk_quant.calibration.histogram import Histogram
from edgesdk_quant.data import CalibrationData, Sample, sample_digest
from edgesdk_quant.graph import clone, constant, to_bytes
from edgesdk_quant.progress import Report
from edgesdk_runtimes import runtime_named
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import InputError

SAVE_EVERY = 16


@dataclass
class Statistics:
    """What calibration learnt.

    Attributes:
        histograms: value name -> its histogram.
        channel_means: value name -> float64 [C], mean of each channel (dimension 1, or the last
            dimension of values that are no images).
        samples: how many samples were seen.
        digest: SHA-256 over the samples, in order.
    """

    histograms: dict[str, Histogram] = field(default_factory=dict)
    channel_means: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    samples: int = 0
    digest: str = ""


def collect(
    model: ir.Model,
    values: Sequence[str],
    means: Sequence[str],
    data: CalibrationData,
    *,
    report: Report,
    workdir: Path | None = None,
) -> Statistics:
    """Collect histograms of `values` and channel means of `means`.

    Args:
        model: float graph in normal form.
        values: names of float values.
        means: names among `values` whose channel means are wanted too.
        data: samples.
        report: told after each sample.
        workdir: where the state is kept for resuming; None keeps none.

    Raises:
        InputError: there is no sample, or one does not fit or is not finite.
    """
    watched = [name for name in values if not _is_constant(model, name)]
    session = runtime_named("onnxruntime").open(
        _exposing(model, watched), threads=os.cpu_count() or 1
    )
    state = _SavedState(workdir, to_bytes(model), values)
    try:
        statistics = state.load()
        samples, digest = data.samples(session.inputs), hashlib.sha256()
        _skip(samples, statistics, digest, data)
        for sample in samples:
            digest.update(sample_digest(sample.arrays))
            named = zip((s.name for s in session.inputs), sample.arrays, strict=True)
            results = zip(
                (s.name for s in session.outputs), session.run(sample.arrays), strict=True
            )
            _absorb(statistics, dict([*named, *results]), watched, means, sample.name)
            statistics.samples, statistics.digest = statistics.samples + 1, digest.hexdigest()
            report("calibrating", statistics.samples, data.count)
            if statistics.samples % SAVE_EVERY == 0:
                state.save(statistics)
    finally:
        session.close()
    if not statistics.samples:
        raise InputError(f"{data.description} holds no sample; give at least one, 64 are usual")
    state.forget()
    _add_constants(model, values, statistics)
    return statistics


def _skip(
    samples: Iterator[Sample], statistics: Statistics, digest: hashlib._Hash, data: CalibrationData
) -> None:
    """Pass over the samples that a run that was stopped has already seen."""
    for sample in itertools.islice(samples, statistics.samples):
        digest.update(sample_digest(sample.arrays))
    if statistics.samples and digest.hexdigest() != statistics.digest:
        raise InputError(
            f"{data.description} is not the data of the calibration that was stopped after "
            f"{statistics.samples} samples; give the same data to resume, or another work folder"
        )


def _is_constant(model: ir.Model, name: str) -> bool:
    return name in model.graph.initializers


def _exposing(model: ir.Model, values: Sequence[str]) -> bytes:
    """The model with the values as its outputs, but those that are its inputs."""
    exposed = clone(model)
    by_name = {v.name: v for node in exposed.graph for v in node.outputs}
    exposed.graph.outputs[:] = [by_name[name] for name in values if name in by_name]
    common.RemoveUnusedNodesPass()(exposed)
    return to_bytes(exposed)


def _absorb(
    statistics: Statistics,
    outputs: Mapping[str, Array],
    values: Sequence[str],
    means: Sequence[str],
    sample: str,
) -> None:
    for name in values:
        array = np.asarray(outputs[name], np.float32)
        if not np.isfinite(array).all():
            raise InputError(
                f"sample {sample} makes {name} not finite (NaN or infinity); "
                "remove the sample, or correct how it is preprocessed"
            )
        statistics.histograms.setdefault(name, Histogram()).add(array)
        if name in means:
            mean = _channel_mean(array)
            total = statistics.channel_means.get(name, np.zeros(mean.shape))
            seen = statistics.samples
            statistics.channel_means[name] = total + (mean - total) / (seen + 1)


def _channel_mean(array: NDArray[np.float32]) -> NDArray[np.float64]:
    channel = 1 if array.ndim >= 4 else array.ndim - 1
    axes = tuple(i for i in range(array.ndim) if i != channel)
    return np.asarray(array.mean(axis=axes, dtype=np.float64))


def _add_constants(model: ir.Model, values: Sequence[str], statistics: Statistics) -> None:
    for name in values:
        if _is_constant(model, name):
            array = np.asarray(constant(model.graph.initializers[name]), np.float32)
            statistics.histograms[name] = Histogram()
            statistics.histograms[name].add(array)


class _SavedState:
    """Statistics of a run that was stopped, keyed by the model and what is collected."""

    def __init__(self, workdir: Path | None, model: bytes, values: Sequence[str]) -> None:
        key = hashlib.sha256(model + "\n".join(values).encode()).hexdigest()[:16]
        self._path = None if workdir is None else workdir / f"calibration-{key}.npz"

    def load(self) -> Statistics:
        if self._path is None or not self._path.is_file():
            return Statistics()
        with np.load(self._path) as kept:
            statistics = Statistics(samples=int(kept["samples"]), digest=str(kept["digest"]))
            for name, row, counts in zip(
                kept["names"], kept["bounds"], kept["counts"], strict=True
            ):
                limit, low, high = map(float, row)
                statistics.histograms[str(name)] = Histogram(limit, counts.copy(), low, high)
            for index, name in enumerate(kept["mean_names"]):
                statistics.channel_means[str(name)] = kept[f"mean_{index}"]
        return statistics

    def save(self, statistics: Statistics) -> None:
        if self._path is None:
            return
        histograms = statistics.histograms
        means = {f"mean_{i}": m for i, m in enumerate(statistics.channel_means.values())}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=self._path.parent, suffix=".part", delete=False
        ) as file:
            np.savez(
                file,
                samples=np.array(statistics.samples),
                digest=np.array(statistics.digest),
                names=np.array(list(histograms)),
                bounds=np.array([(h.limit, h.low, h.high) for h in histograms.values()]),
                counts=np.array([h.counts for h in histograms.values()]),
                mean_names=np.array(list(statistics.channel_means)),
                allow_pickle=False,
                **means,
            )
        Path(file.name).replace(self._path)

    def forget(self) -> None:
        if self._path is not None:
            self._path.unlink(missing_ok=True)
