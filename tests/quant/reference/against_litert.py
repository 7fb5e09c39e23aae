"""Hold the numpy interpreter and the native library against LiteRT on one operator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgesdk_quant.reference import Interpreter
from edgesdk_quant.tflite.reader import read_model
from edgesdk_runtimes.base import Array
from tests.native.running import largest_difference, litert, native


def interpret(model: bytes, arrays: Sequence[Array]) -> list[Array]:
    """Outputs of the numpy interpreter."""
    return Interpreter(read_model(model)).run(arrays)


def assert_same(
    model: bytes, arrays: Sequence[Array], *, at_most: int = 0, reference: bool = False
) -> None:
    """Integers differ from LiteRT by at most `at_most`, floats in the last bits."""
    theirs = litert(model, arrays, reference=reference)
    for runner in (interpret, native):
        for ours, other in zip(runner(model, arrays), theirs, strict=True):
            assert_near(ours, other, at_most)


def assert_near(ours: Array, theirs: Array, at_most: int) -> None:
    """Two arrays are the same to within `at_most` units, or the last bits of floats."""
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    if ours.dtype.kind == "f":
        np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=2e-6)
    else:
        assert largest_difference(ours, theirs) <= at_most
