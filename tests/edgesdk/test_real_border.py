"""Integer borders shown as real numbers."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk.real_border import RealBorderSession
from edgesdk_runtimes.base import Array, TensorSpec
from tests.edgesdk.echo import Echo

QUANTIZED = TensorSpec("x", (1, 4), np.dtype(np.int8), 0.5, 3)


def test_reals_are_rounded_to_the_grid_and_cut_at_its_ends() -> None:
    echo = Echo(QUANTIZED)
    x = np.array([[0.0, 0.74, -1e9, 1e9]], np.float32)
    out = RealBorderSession(echo).run([x])[0]
    np.testing.assert_array_equal(echo.received, np.array([[3, 4, -128, 127]], np.int8))
    np.testing.assert_array_equal(out, np.array([[0, 0.5, -65.5, 62]], np.float32))


def test_halves_go_to_the_even_neighbour() -> None:
    echo = Echo(TensorSpec("x", (1, 3), np.dtype(np.uint8), 1.0, 0))
    RealBorderSession(echo).run([np.array([[0.5, 1.5, 2.5]], np.float32)])
    np.testing.assert_array_equal(echo.received, np.array([[0, 2, 2]], np.uint8))


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_other_borders_are_left_alone(dtype: type) -> None:
    spec = TensorSpec("x", (2,), np.dtype(dtype))
    session = RealBorderSession(Echo(spec))
    assert session.inputs == session.outputs == (spec,)
    x: Array = np.array([1, 2], dtype)
    np.testing.assert_array_equal(session.run([x])[0], x)


def test_the_border_declares_floats_without_a_scale() -> None:
    (spec,) = RealBorderSession(Echo(QUANTIZED)).inputs
    assert (spec.dtype.name, spec.scale, spec.zero_point) == ("float32", None, None)
