"""Runtimes side by side. What is timed is not judged: timings fail no test."""

from __future__ import annotations

import numpy as np
import pytest

import edgesdk
from edgesdk import benchmark
from edgesdk.random_inputs import random_inputs
from edgesdk_runtimes import RUNTIMES
from edgesdk_runtimes.base import RuntimeStatus, TensorSpec
from edgesdk_runtimes.errors import InputError, RuntimeMissingError
from edgesdk_runtimes.null import encode
from tests.runtimes import small_onnx

FLOAT = np.dtype(np.float32)
NULL_MODEL = encode([TensorSpec("x", (1, 2), FLOAT)], [TensorSpec("y", (1, 2), FLOAT)])


def test_every_runtime_and_thread_count_has_a_row() -> None:
    result = edgesdk.bench(small_onnx.scaled(), ["onnxruntime"], [1, 2], rounds=2)
    assert [(t.runtime, t.threads) for t in result.timings] == [
        ("onnxruntime", 1),
        ("onnxruntime", 2),
    ]
    for timing in result.timings:
        assert timing.calls >= 2
        assert 0 < timing.min_ms <= timing.p50_ms <= timing.p90_ms


def test_load_time_and_memory_come_from_a_fresh_process() -> None:
    (timing,) = edgesdk.bench(NULL_MODEL, ["null"], rounds=1).timings
    assert timing.rss_mb is not None
    assert 5 < timing.rss_mb < 500
    assert timing.load_ms is not None


def test_candidates_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[int] = []

    def take_turn(candidate: benchmark.Candidate) -> None:
        turns.append(candidate.threads)
        candidate.seconds.append(1.0)

    monkeypatch.setattr(benchmark, "_take_turn", take_turn)
    edgesdk.bench(NULL_MODEL, ["null"], [1, 2], rounds=3)
    assert turns == [1, 2] * 3


def test_a_missing_runtime_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("litert", "native"):
        missing = RuntimeStatus(name, False, "", "not installed.")
        monkeypatch.setattr(RUNTIMES[name], "probe", lambda missing=missing: missing)
    result = edgesdk.bench(small_onnx.scaled(), rounds=1)
    assert [timing.runtime for timing in result.timings] == ["onnxruntime"]
    assert {skipped.runtime for skipped in result.skipped} == {"litert", "native"}


def test_no_runtime_at_all_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = RuntimeStatus("null", False, "", "not installed.")
    monkeypatch.setattr(RUNTIMES["null"], "probe", lambda: missing)
    with pytest.raises(RuntimeMissingError, match=r"null: not installed\."):
        edgesdk.bench(NULL_MODEL)


def test_no_round_is_refused() -> None:
    with pytest.raises(InputError, match="rounds=0"):
        edgesdk.bench(NULL_MODEL, rounds=0)


def test_inputs_fill_their_range_and_indices_stay_zero() -> None:
    specs = [
        TensorSpec("image", (None, 50, 50), np.dtype(np.int8)),
        TensorSpec("noise", (1, 4), FLOAT),
        TensorSpec("token", (1, 4), np.dtype(np.int64)),
    ]
    image, noise, token = random_inputs(specs)
    assert (image.shape, image.min(), image.max()) == ((1, 50, 50), -128, 127)
    assert noise.dtype == np.float32
    assert noise.std() > 0
    assert not token.any()
