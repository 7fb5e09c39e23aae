"""Which artifact runs on which runtime, opened behind the float model's border."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from edgesdk.artifact import Artifact
from edgesdk.batching import run_batched
from edgesdk.sessions import REFERENCE, find_runtime, open_guarded, runtime_names
from edgesdk.verification.artifacts import Artifacts
from edgesdk.verification.border import like_reference
from edgesdk.verification.metrics import Comparison
from edgesdk_runtimes.base import Array, Session
from edgesdk_runtimes.errors import EdgeError

NEVER = ("null",)


@dataclass
class Candidate:
    """One artifact on one runtime and the figures gathered so far; `failure` says why not."""

    artifact: str
    runtime: str
    session: Session | None = None
    failure: str = ""
    comparison: Comparison = field(default_factory=Comparison)

    def run(self, arrays: Sequence[Array]) -> list[Array] | None:
        """Outputs for one sample; None, and the reason in `failure`, where it does not run."""
        if self.session is None:
            return None
        try:
            return run_batched(self.session, arrays)
        except EdgeError as error:
            self.failure = str(error)
            self.close()
            return None

    def close(self) -> None:
        """Give back all memory; a second call does nothing."""
        if self.session is not None:
            self.session.close()
            self.session = None


def open_candidates(
    artifacts: Artifacts, reference: Session, runtimes: Sequence[str] | None, threads: int
) -> list[Candidate]:
    """Open each artifact on each runtime that takes it, the simulation first.

    Args:
        artifacts: the files under test.
        reference: of the float model; all candidates show its border.
        runtimes: names; None takes all that are installed. The simulation is always there.
        threads: for each of them.

    Raises:
        InputError: an unknown runtime.
    """
    names = [REFERENCE, *(n for n in (runtimes or _installed()) if n != REFERENCE)]
    found: list[Candidate] = []
    for name in names:
        runtime = find_runtime(name)
        artifact = _choose(artifacts, runtime.formats)
        if artifact is not None:
            found.append(_open(artifact, name, artifacts, reference, threads))
        elif runtimes or artifacts.tflite_error:  # a lone .tflite file is nothing for ONNX Runtime
            why = artifacts.tflite_error or f"{name} does not open {artifacts.files[0]}"
            found.append(Candidate(artifacts.files[0], name, failure=why))
    return found


def _installed() -> list[str]:
    names = [n for n in runtime_names() if n not in (*NEVER, REFERENCE)]
    return [name for name in names if find_runtime(name).probe().available]


def _choose(artifacts: Artifacts, formats: frozenset[str]) -> Artifact | None:
    for artifact in (artifacts.onnx, artifacts.tflite):
        if artifact is not None and artifact.format in formats:
            return artifact
    return None


def _open(
    artifact: Artifact, name: str, artifacts: Artifacts, reference: Session, threads: int
) -> Candidate:
    layout = artifacts.layout if artifact.format == "tflite" else {}
    file = os.path.basename(artifact.name)
    try:
        session = open_guarded(artifact, find_runtime(name), threads)
    except EdgeError as error:
        return Candidate(file, name, failure=str(error))
    return Candidate(file, name, like_reference(session, reference, layout))
