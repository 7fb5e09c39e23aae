"""The order of the proof: open all, run all on each sample, audit, rank the layers, judge."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgesdk.artifact import Artifact
from edgesdk.batching import run_batched
from edgesdk.fusion_audit import Audit, audit_litert, audit_onnxruntime
from edgesdk.labels import Labels
from edgesdk.sessions import REFERENCE
from edgesdk.verification.artifacts import Artifacts, collect
from edgesdk.verification.candidates import Candidate, open_candidates
from edgesdk.verification.metrics import Score
from edgesdk.verification.origins import Origins
from edgesdk.verification.probe import LayerProbe
from edgesdk.verification.results import Border, RuntimeResult, Verification, misses
from edgesdk_quant.data import CalibrationData
from edgesdk_quant.progress import Progress, Silent
from edgesdk_runtimes.base import Array, Session
from edgesdk_runtimes.errors import EdgeError, InputError
from edgesdk_runtimes.onnxruntime import OnnxRuntime

# Runtime -> what its audit reads, and how.
AUDITS: Mapping[str, tuple[str, Callable[[bytes], Audit]]] = {
    "onnxruntime": ("onnx", audit_onnxruntime),
    "litert": ("tflite", audit_litert),
}


@dataclass(frozen=True)
class Looks:
    """What looks inside the models: into the first samples, and into those that differ."""

    probe: LayerProbe
    origins: Origins


def verify_artifact(
    path: str | os.PathLike[str],
    reference: Artifact,
    data: CalibrationData,
    labels: Labels | None = None,
    *,
    runtimes: Sequence[str] | None = None,
    border: Border | None = None,
    layers: int = 5,
    layer_samples: int = 4,
    threads: int = 1,
    progress: Progress | None = None,
) -> Verification:
    """Run the float model, the simulation and each real runtime on the same samples.

    Args:
        path: .onnx or .tflite artifact; its sibling of the other kind is verified too.
        reference: the float .onnx model that it was made from.
        data: samples in the float model's layout.
        labels: classes of the samples.
        runtimes: names; None takes all that are installed.
        border: least figures that make `Verification.passed`.
        layers: how many of the worst layers are named; 0 looks at none.
        layer_samples: on how many samples the layers are compared.
        threads: for each runtime.
        progress: told how far it is; None tells nobody.

    Raises:
        InputError: no such file, an unknown runtime, or no sample.
        ModelError: a file is malformed, or artifact and float model do not go together.
    """
    artifacts = collect(path, reference.name)
    exact = OnnxRuntime().open(reference.data, threads=threads)
    candidates = open_candidates(artifacts, exact, runtimes, threads)
    probe = LayerProbe(reference, exact, artifacts, layer_samples if layers else 0)
    origins = Origins(artifacts, exact, layer_samples if layers else 0)
    looks = Looks(probe, origins)
    top1, count = _run_all(exact, candidates, looks, data, labels, progress or Silent())
    results = tuple(_result(candidate, artifacts.output_step) for candidate in candidates)
    audits, notes = _audit(artifacts, [c.runtime for c in candidates if not c.failure])
    exact.close()
    probe.close()
    for candidate in candidates:
        candidate.close()
    return Verification(
        artifacts=artifacts.files,
        samples=count,
        float_top1=top1.percent,
        results=results,
        audits=audits,
        layers=probe.worst(layers),
        origins=origins.found(),
        notes=(*probe.notes, *notes),
        missed=misses(results, top1.percent, border or Border()),
    )


def _run_all(
    exact: Session,
    candidates: Sequence[Candidate],
    looks: Looks,
    data: CalibrationData,
    labels: Labels | None,
    progress: Progress,
) -> tuple[Score, int]:
    """Feed each sample to everything; returns the float model's score and how many there were."""
    top1, count = Score(), 0
    progress.start("verifying", data.count or None, "samples")
    for sample in data.samples(exact.inputs):
        expected = run_batched(exact, sample.arrays)
        label = None if labels is None else labels.of(sample.name, count)
        if label is not None:
            top1.add(np.array(label), expected[0])
        if _run_candidates(candidates, sample.arrays, expected, label):
            looks.origins.add(sample.arrays)
        looks.probe.add(sample.arrays)
        count += 1
        progress.advance()
    progress.finish()
    if not count:
        raise InputError(f"{data.description} holds no sample. Give images or .npy files.")
    if labels is not None and not top1.total:
        raise InputError(
            f"None of the {count} samples is among the {len(labels)} labels. The names in the "
            "labels must be those of the files."
        )
    return top1, count


def _run_candidates(
    candidates: Sequence[Candidate],
    arrays: Sequence[Array],
    expected: Sequence[Array],
    label: int | None,
) -> bool:
    """Run one sample on all; the simulation comes first, so that the others can be compared.

    Returns:
        Whether ONNX Runtime's outputs are not those of the simulation.
    """
    simulated: list[Array] | None = None
    apart = False
    for candidate in candidates:
        outputs = candidate.run(arrays)
        if outputs is None:
            continue
        if candidate.runtime == REFERENCE:
            simulated = outputs
        candidate.comparison.add(expected, outputs, simulated, label)
        if candidate.runtime == OnnxRuntime.name and simulated is not None:
            apart = not all(map(np.array_equal, outputs, simulated))
    return apart


def _result(candidate: Candidate, output_step: float | None) -> RuntimeResult:
    if candidate.failure:
        return RuntimeResult(candidate.artifact, candidate.runtime, failure=candidate.failure)
    found = candidate.comparison
    compared = found.difference.elements > 0
    return RuntimeResult(
        artifact=candidate.artifact,
        runtime=candidate.runtime,
        top1=found.top1.percent,
        agreement=found.agreement.percent,
        sqnr_db=found.noise.decibel,
        different=found.difference.different if compared else None,
        elements=found.difference.elements,
        largest_step=found.difference.largest / (output_step or 1.0),
        in_steps=output_step is not None,
    )


def _audit(artifacts: Artifacts, runtimes: Sequence[str]) -> tuple[tuple[Audit, ...], list[str]]:
    audits: list[Audit] = []
    notes: list[str] = []
    for name, (kind, audit) in AUDITS.items():
        artifact = artifacts.onnx if kind == "onnx" else artifacts.tflite
        if name not in runtimes or artifact is None:
            continue
        try:
            audits.append(audit(artifact.data))
        except EdgeError as error:
            notes.append(f"{name} was not audited: {error}")
    return tuple(audits), notes
