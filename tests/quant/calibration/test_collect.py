"""One pass over the data: what is observed, hashed, refused and kept for a second start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgesdk_quant.calibration import Collected, Histogram, collect
from edgesdk_quant.data import CalibrationData, open_data
from edgesdk_quant.progress import Silent
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import InputError
from tests.quant.graph.written import model, random

GRAPH = model(
    "agraph (float[N,4] x) => (float[N,3] y) { h = MatMul(x, w) y = Relu(h) }", w=random(4, 3)
)
SAMPLES = random(10, 4, seed=3)


def collected(data: CalibrationData, workdir: Path | None = None) -> Collected[Histogram]:
    return collect(
        GRAPH,
        ["x", "h", "y"],
        Histogram,
        Histogram.from_state,
        data,
        task="calibrating",
        progress=Silent(),
        workdir=workdir,
    )


def interrupted(at: int, error: Callable[[], BaseException]) -> CalibrationData:
    """The samples, until something happens in front of number `at`."""

    def source() -> Iterator[tuple[str, Array]]:
        for index in range(len(SAMPLES)):
            if index == at:
                raise error()
            yield str(index), SAMPLES[index : index + 1]

    return CalibrationData("the samples", len(SAMPLES), source)


def whole() -> CalibrationData:
    return interrupted(-1, KeyboardInterrupt)


def test_extremes_are_those_of_all_samples() -> None:
    found = collected(open_data(SAMPLES))
    expected = SAMPLES @ random(4, 3)
    assert found.samples == len(SAMPLES)
    assert found.observers["h"].low == pytest.approx(expected.min(), rel=1e-5)
    assert found.observers["y"].low == 0
    assert found.observers["x"].counts.sum() == SAMPLES.size


def test_the_hash_tells_data_apart_and_their_order() -> None:
    hashes = {
        collected(open_data(samples)).data_sha256
        for samples in (SAMPLES, SAMPLES[::-1].copy(), SAMPLES + 1, SAMPLES[:9])
    }
    assert len(hashes) == 4
    assert collected(open_data(SAMPLES)).data_sha256 in hashes


@pytest.mark.parametrize("error", [KeyboardInterrupt, lambda: InputError("no image")])
def test_a_stopped_pass_goes_on_with_the_same_result(
    error: Callable[[], BaseException], tmp_path: Path
) -> None:
    with pytest.raises((KeyboardInterrupt, InputError)):
        collected(interrupted(6, error), tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 1
    resumed, straight = collected(whole(), tmp_path), collected(whole())
    assert resumed.data_sha256 == straight.data_sha256
    for name, histogram in straight.observers.items():
        assert np.array_equal(resumed.observers[name].counts, histogram.counts)
    assert list(tmp_path.iterdir()) == []


def test_a_state_of_other_data_is_not_taken_up(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        collected(interrupted(6, KeyboardInterrupt), tmp_path)
    changed = CalibrationData(
        "the samples", 10, lambda: ((str(i), SAMPLES[i : i + 1] * 2) for i in range(10))
    )
    assert collected(changed, tmp_path).data_sha256 == collected(changed).data_sha256


def test_a_spoilt_state_begins_anew(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        collected(interrupted(6, KeyboardInterrupt), tmp_path)
    (state,) = tmp_path.iterdir()
    state.write_bytes(state.read_bytes()[:100])
    assert collected(whole(), tmp_path).samples == len(SAMPLES)


def test_no_sample_is_an_error() -> None:
    with pytest.raises(InputError, match="holds no sample"):
        collected(open_data([]))


def test_a_sample_that_overflows_inside_is_named() -> None:
    samples = SAMPLES.copy()
    samples[4] = 3e38
    with pytest.raises(InputError, match="Sample 4 makes h NaN or infinite"):
        collected(open_data(samples))
