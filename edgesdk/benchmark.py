"""Timing runtimes side by side: interleaved rounds, so that a busy machine hurts all alike."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edgesdk.artifact import Artifact, Source, read_artifact
from edgesdk.footprint import run_afresh
from edgesdk.random_inputs import random_inputs
from edgesdk.sessions import PREFERRED, find_runtime, open_session, runs
from edgesdk_quant.progress import Progress, Silent
from edgesdk_runtimes import RUNTIMES
from edgesdk_runtimes.base import Array, Session
from edgesdk_runtimes.errors import InputError, RuntimeMissingError

ROUND_SECONDS = 0.02
MOST_CALLS = 50


@dataclass(frozen=True)
class Timing:
    """One runtime on one thread count.

    Attributes:
        runtime: its name.
        threads: how many it was given.
        calls: how many runs were timed.
        min_ms: fastest run, in milliseconds.
        p50_ms: median run.
        p90_ms: nine in ten runs are faster.
        load_ms: from the file's bytes to a session, in a fresh process that has loaded the runtime
            itself; None where not measured.
        rss_mb: peak resident memory of a fresh Python process that loads and runs the model, in
            10^6 bytes; None where not measured.
    """

    runtime: str
    threads: int
    calls: int
    min_ms: float
    p50_ms: float
    p90_ms: float
    load_ms: float | None
    rss_mb: float | None


@dataclass(frozen=True)
class Skipped:
    """A runtime that was asked for or is known, and why it was not timed."""

    runtime: str
    reason: str


@dataclass(frozen=True)
class Benchmark:
    """All runtimes on one artifact.

    Attributes:
        artifact: its path.
        rounds: how often each runtime had its turn.
        timings: in the order of the runtimes given.
        skipped: those that could not be timed.
    """

    artifact: str
    rounds: int
    timings: tuple[Timing, ...]
    skipped: tuple[Skipped, ...]


@dataclass
class Candidate:
    """One runtime with its own session, inputs and the seconds of each of its calls so far."""

    runtime: str
    threads: int
    session: Session
    arrays: list[Array]
    seconds: list[float] = field(default_factory=list)
    calls_a_round: int = 1


def compare_runtimes(
    model: Source | Artifact,
    runtimes: Sequence[str] | None = None,
    threads: Sequence[int] = (1,),
    *,
    rounds: int = 20,
    progress: Progress | None = None,
) -> Benchmark:
    """Time runtimes on one artifact.

    Args:
        model: path or bytes of a .onnx or .tflite file.
        runtimes: names; None takes all that are installed and open such files.
        threads: each runtime is timed with each of these.
        rounds: in each, every candidate runs for about 20 ms.
        progress: told after each round; None tells nobody.

    Raises:
        InputError: an unknown runtime, or no round.
        ModelError: a runtime that was named refuses the model.
        RuntimeMissingError: a runtime that was named, or every one, is not installed.
    """
    if rounds < 1:
        raise InputError(f"rounds={rounds} was given; give at least 1.")
    artifact = read_artifact(model)
    skipped: list[Skipped] = []
    names = list(runtimes) if runtimes else _installed(artifact, skipped)
    files = _files(artifact, names)
    candidates = [_prepare(files[name], name, count) for name in names for count in threads]
    told = progress or Silent()
    told.start("timing", rounds, "rounds")
    for _ in range(rounds):
        for candidate in candidates:
            _take_turn(candidate)
        told.advance()
    told.finish()
    for candidate in candidates:
        candidate.session.close()
    timings = tuple(_timing(files[candidate.runtime], candidate) for candidate in candidates)
    return Benchmark(artifact.name, rounds, timings, tuple(skipped))


def _installed(artifact: Artifact, skipped: list[Skipped]) -> list[str]:
    names: list[str] = []
    for name, runtime in RUNTIMES.items():
        if not runs(runtime, artifact):
            continue
        status = runtime.probe()
        if status.available:
            names.append(name)
        else:
            skipped.append(Skipped(name, status.detail))
    if not names:
        reasons = " ".join(f"{s.runtime}: {s.reason}" for s in skipped)
        raise RuntimeMissingError(f"No runtime here runs {artifact.name}. {reasons}")
    return sorted(names, key=PREFERRED[artifact.format].index)


def _files(artifact: Artifact, names: Sequence[str]) -> dict[str, Artifact]:
    """Runtime -> what it opens; the runtimes of .tflite files share one that is lowered."""
    found = {name: find_runtime(name) for name in names}
    lowers = {
        name
        for name, runtime in found.items()
        if artifact.format not in runtime.formats and runs(runtime, artifact)
    }
    if not lowers:
        return dict.fromkeys(names, artifact)
    from edgesdk.lowering import lower_artifact

    lowered = Artifact(artifact.name, "tflite", lower_artifact(artifact).data)
    return {name: lowered if name in lowers else artifact for name in names}


def _prepare(artifact: Artifact, name: str, threads: int) -> Candidate:
    """Open, warm up, and choose how many calls make a round."""
    session = open_session(artifact, name, threads=threads).session
    candidate = Candidate(name, threads, session, random_inputs(session.inputs))
    session.run(candidate.arrays)
    start = time.perf_counter()
    session.run(candidate.arrays)
    once = max(time.perf_counter() - start, 1e-6)
    candidate.calls_a_round = int(np.clip(ROUND_SECONDS / once, 1, MOST_CALLS))
    return candidate


def _take_turn(candidate: Candidate) -> None:
    for _ in range(candidate.calls_a_round):
        start = time.perf_counter()
        candidate.session.run(candidate.arrays)
        candidate.seconds.append(time.perf_counter() - start)


def _timing(artifact: Artifact, candidate: Candidate) -> Timing:
    milliseconds = 1e3 * np.array(candidate.seconds)
    load_ms, rss_mb = _footprint(artifact, candidate)
    return Timing(
        candidate.runtime,
        candidate.threads,
        len(milliseconds),
        float(milliseconds.min()),
        float(np.percentile(milliseconds, 50)),
        float(np.percentile(milliseconds, 90)),
        load_ms,
        rss_mb,
    )


def _footprint(artifact: Artifact, candidate: Candidate) -> tuple[float | None, float | None]:
    """Load and run once in a fresh process."""
    done = run_afresh(artifact, candidate.runtime, candidate.threads)
    if done.returncode:
        return None, None
    load_ms, rss_mb = done.stdout.split()[-2:]
    return float(load_ms), float(rss_mb)
