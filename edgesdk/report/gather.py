"""Gathering a report: the artifact is looked into, proved, timed and profiled.

Samples are streamed; what is kept of them are sums and histograms of bounded size.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import edgesdk
from edgesdk.artifact import Artifact, read_artifact
from edgesdk.benchmark import Benchmark, compare_runtimes
from edgesdk.inspection import OURS, Inspection, inspect_model
from edgesdk.labels import Labels
from edgesdk.report.advice import advise
from edgesdk.report.bins import Bins, bins_of_histogram
from edgesdk.report.contents import FileSize, FrontPoint, LayerTime, Report, SearchPoint
from edgesdk.report.findings import Findings, describe_layers, kept_float
from edgesdk.report.layers import group_layers
from edgesdk.report.network import Network
from edgesdk.report.onnx_network import load_with_shapes, onnx_network
from edgesdk.report.tflite_network import tflite_network
from edgesdk.report.timing import layer_times
from edgesdk.verification import Verification, verify_artifact
from edgesdk.verification.artifacts import collect
from edgesdk_quant.calibration import Histogram
from edgesdk_quant.calibration import collect as observe
from edgesdk_quant.data import CalibrationData
from edgesdk_quant.progress import Progress, Silent
from edgesdk_quant.tflite.reader import read_model
from edgesdk_runtimes import RUNTIMES, cpu
from edgesdk_runtimes.errors import EdgeError

ALL_LAYERS = 1_000_000
LAYER_SAMPLES = 4
# Metadata of an artifact -> how the page calls it.
MADE_FROM: Mapping[str, str] = {
    "version": "quantized by edgesdk",
    "source_sha256": "SHA-256 of the float model",
    "data_sha256": "SHA-256 of the calibration data",
    "preprocess": "preprocessing",
}

Result = TypeVar("Result")


@dataclass(frozen=True)
class Known:
    """What is known beforehand about an artifact and need not be measured.

    Attributes:
        verification: a proof of it; None makes one where there is data.
        benchmark: timings of it; None makes them.
        front: what a search found.
        metric: what its points are judged by.
        histograms: value name -> counts of what it was in the float model.
        reasons: node name -> why it stayed float.
        on_calibration: whether the samples are those of calibration.
    """

    verification: Verification | None = None
    benchmark: Benchmark | None = None
    front: Sequence[SearchPoint] = ()
    metric: str = "metric"
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    on_calibration: bool = False


def gather(
    path: str | os.PathLike[str],
    reference: Artifact | None = None,
    data: CalibrationData | None = None,
    labels: Labels | None = None,
    *,
    known: Known | None = None,
    rounds: int = 5,
    progress: Progress | None = None,
) -> Report:
    """Gather the report of an artifact.

    Args:
        path: .onnx or .tflite file; its sibling of the other kind is proved too.
        reference: the float model; None compares nothing.
        data: samples in the float model's layout; None compares nothing.
        labels: classes of the samples.
        known: what need not be measured again.
        rounds: turns of each runtime in the benchmark; 0 leaves it out.
        progress: told how far it is; None tells nobody.

    Raises:
        InputError: no such file, or the data is not usable.
        ModelError: a file is malformed, or artifact and float model do not go together.
    """
    gatherer = _Gatherer(path, reference, data, labels, known or Known(), progress or Silent())
    return gatherer.report(rounds)


class _Gatherer:
    def __init__(
        self,
        path: str | os.PathLike[str],
        reference: Artifact | None,
        data: CalibrationData | None,
        labels: Labels | None,
        known: Known,
        progress: Progress,
    ) -> None:
        self.path, self.reference, self.data, self.labels = path, reference, data, labels
        self.known, self.progress = known, progress
        self.artifacts = collect(path, "" if reference is None else reference.name)
        self.notes: list[str] = []

    def report(self, rounds: int) -> Report:
        network = self._network()
        grouping = group_layers(network)
        proof = self.known.verification or self._proof()
        found = Findings(
            {} if proof is None else {damage.tensor: damage for damage in proof.layers},
            self._times(),
            self._activations(network),
            self.known.reasons,
        )
        layers = describe_layers(network, grouping, found)
        looked = [inspect_model(artifact) for artifact in self._files()]
        report = Report(
            title=Path(self.path).name,
            network=network,
            grouping=grouping,
            layers=layers,
            files=tuple(_size(inspection) for inspection in looked),
            float_bytes=None if self.reference is None else len(self.reference.data),
            verification=None if proof is None else _without_paths(proof),
            on_calibration=self.known.on_calibration,
            benchmark=self.known.benchmark or self._benchmark(rounds),
            front=tuple(_point(point) for point in self.known.front),
            metric=self.known.metric,
            kept_float=kept_float(layers),
            recipe=next((i.recipe for i in looked if i.recipe), ""),
            provenance=_provenance(self._files(), looked),
            notes=tuple(self.notes),
        )
        return replace(report, advice=advise(report))

    def _network(self) -> Network:
        name = Path(self.path).name
        given = read_artifact(self.path)
        if given.format == "onnx":
            return onnx_network(load_with_shapes(given), name, histograms=True)
        return tflite_network(read_model(given.data), name, histograms=True)

    def _files(self) -> list[Artifact]:
        return [a for a in (self.artifacts.onnx, self.artifacts.tflite) if a is not None]

    def _proof(self) -> Verification | None:
        if self.reference is None or self.data is None:
            return None
        return verify_artifact(
            self.path,
            self.reference,
            self.data,
            self.labels,
            layers=ALL_LAYERS,
            layer_samples=LAYER_SAMPLES,
            progress=self.progress,
        )

    def _benchmark(self, rounds: int) -> Benchmark | None:
        if not rounds:
            return None
        found = self._tried(
            "Nothing was timed",
            lambda: compare_runtimes(self._files()[0], rounds=rounds, progress=self.progress),
        )
        return found and replace(found, artifact=Path(found.artifact).name)

    def _times(self) -> Mapping[str, LayerTime]:
        tflite = self.artifacts.tflite
        if tflite is None:
            self.notes.append(f"The layers were not timed: {self.artifacts.tflite_error}")
            return {}
        return self._tried("The layers were not timed", lambda: layer_times(tflite.data)) or {}

    def _activations(self, network: Network) -> Mapping[str, Bins]:
        histograms = self.known.histograms or self._observed(network)
        bins = {name: bins_of_histogram(histogram) for name, histogram in histograms.items()}
        return {name: found for name, found in bins.items() if found is not None}

    def _observed(self, network: Network) -> Mapping[str, Histogram]:
        reference, data = self.reference, self.data
        if reference is None or data is None:
            return {}
        wanted = {value.name for node in network.nodes for value in node.outputs}
        return (
            self._tried(
                "The values of the layers were not counted",
                lambda: _histograms(reference, wanted, data, self.progress),
            )
            or {}
        )

    def _tried(self, otherwise: str, measure: Callable[[], Result]) -> Result | None:
        """A measurement that a report can do without; a failure becomes a note."""
        try:
            return measure()
        except EdgeError as error:
            self.notes.append(f"{otherwise}: {error}")
            return None


def _histograms(
    reference: Artifact, wanted: set[str], data: CalibrationData, progress: Progress
) -> Mapping[str, Histogram]:
    """Count float values of the reference on the first samples."""
    from edgesdk.capture import capture

    graph = capture(reference.data)
    computed = [v for node in graph.graph for v in node.outputs]
    names = [
        str(value.name)
        for value in (*graph.graph.inputs, *computed)
        if value.name in wanted and value.dtype is not None and value.dtype.name == "FLOAT"
    ]
    found = observe(
        graph,
        names,
        Histogram,
        Histogram.from_state,
        data.limited(LAYER_SAMPLES),
        task="counting values",
        progress=progress,
    )
    return found.observers


def _size(inspection: Inspection) -> FileSize:
    return FileSize(Path(inspection.name).name, inspection.size_bytes, inspection.weights)


def _without_paths(proof: Verification) -> Verification:
    """File names alone: a page is passed on, and says nothing of the machine it was made on."""
    return replace(proof, artifacts=tuple(Path(name).name for name in proof.artifacts))


def _point(point: SearchPoint) -> FrontPoint:
    return FrontPoint(point.name, point.size_bytes, point.metric, point.latency_ms, point.chosen)


def _provenance(files: Sequence[Artifact], looked: Sequence[Inspection]) -> dict[str, str]:
    """Versions and hashes: of the files, of what they were made from, of what ran them."""
    entries = {"edgesdk": edgesdk.__version__}
    for file in files:
        entries[f"SHA-256 of {Path(file.name).name}"] = hashlib.sha256(file.data).hexdigest()
    for key, title in MADE_FROM.items():
        found = [i.metadata[OURS + key] for i in looked if OURS + key in i.metadata]
        if found:
            entries[title] = found[0]
    entries["measured on"] = f"{cpu.detect().model or cpu.detect().machine}, {os.cpu_count()} cores"
    statuses = (runtime.probe() for runtime in RUNTIMES.values())
    entries.update(
        {s.name: f"{s.version} {s.detail}" for s in statuses if s.available and s.name != "null"}
    )
    return entries
