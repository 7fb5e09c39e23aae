"""Gather counts from the start."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.graph import constant
from edgesdk_quant.graph.gather_indices import count_indices_from_start
from tests.quant.graph.written import model, rewritten


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("indices", [[-1, 0, -2], [[-1], [1]]])
def test_negative_indices_become_positive(axis: int, indices: list[int]) -> None:
    shape = "A,B,C,D" if np.ndim(indices) == 2 else "A,B,C"
    text = f"agraph (float[2,3,4] x) => (float[{shape}] y) {{ y = Gather <axis={axis}> (x, i) }}"
    after = rewritten(model(text, i=np.array(indices)), count_indices_from_start)
    held = constant(next(iter(after.graph)).inputs[1])
    assert held is not None
    assert held.min() >= 0


def test_along_an_open_batch_they_stay() -> None:
    text = "agraph (float[N,3] x) => (float[A,3] y) { y = Gather <axis=0> (x, i) }"
    after = rewritten(model(text, i=np.array([-1])), count_indices_from_start)
    np.testing.assert_array_equal(np.asarray(constant(next(iter(after.graph)).inputs[1])), [-1])
