"""Resampling in numbers; tflite/test_resizing.py holds it to ONNX Runtime in every mode."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk.export.resampling import Axis, Sampling, nearest_rows, outside, weights


def axis(before: int, after: int) -> Axis:
    return Axis(before, after, after / before)


@given(
    mode=st.sampled_from(["linear", "cubic"]),
    before=st.integers(2, 9),
    after=st.integers(2, 20),
    antialias=st.booleans(),
)
def test_weights_of_a_row_sum_to_one(mode: str, before: int, after: int, antialias: bool) -> None:
    matrix = weights(axis(before, after), Sampling(mode=mode, antialias=antialias))
    assert matrix.shape == (after, before)
    np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-12)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_the_same_size_is_the_identity(mode: str) -> None:
    np.testing.assert_allclose(weights(axis(5, 5), Sampling(mode=mode)), np.eye(5), atol=1e-12)


def test_halving_with_antialiasing_is_a_tent_over_two_steps() -> None:
    """The values of Pillow's BILINEAR filter at a factor of 2: 1/8, 3/8, 3/8, 1/8."""
    matrix = weights(axis(8, 4), Sampling(mode="linear", antialias=True))
    np.testing.assert_allclose(matrix[1], [0, 1 / 8, 3 / 8, 3 / 8, 1 / 8, 0, 0, 0])


def test_nearest_rows_round_halves_as_asked() -> None:
    rows = {
        rounding: nearest_rows(axis(2, 4), Sampling("nearest", "asymmetric", rounding)).tolist()
        for rounding in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
    }
    assert rows == {
        "floor": [0, 0, 1, 1],
        "ceil": [0, 1, 1, 1],
        "round_prefer_floor": [0, 0, 1, 1],
        "round_prefer_ceil": [0, 1, 1, 1],
    }


def test_a_crop_knows_what_lies_outside() -> None:
    cropped = Axis(4, 3, 1.0, (-0.5, 1.0))
    sampling = Sampling("linear", "tf_crop_and_resize", extrapolation=7.0)
    np.testing.assert_array_equal(outside([cropped], sampling), [7, 0, 0])
    assert not weights(cropped, sampling)[0].any()
