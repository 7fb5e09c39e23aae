"""A mean over height and width becomes GlobalAveragePool."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.graph.global_pool import write_global_pools
from tests.quant.graph.written import model, ops, rewritten


@pytest.mark.parametrize("axes", [[2, 3], [-1, -2], [3, 2]])
def test_mean_over_the_image_with_axes_kept(axes: list[int]) -> None:
    text = "agraph (float[N,4,5,6] x) => (float[N,4,1,1] y) { y = ReduceMean(x, axes) }"
    after = rewritten(model(text, axes=np.array(axes)), write_global_pools)
    assert ops(after) == {"GlobalAveragePool": 1}


def test_mean_over_the_image_without_axes_is_flattened() -> None:
    text = "agraph (float[N,4,5,6] x) => (float[N,4] y) { y = ReduceMean <keepdims=0> (x, axes) }"
    after = rewritten(model(text, axes=np.array([2, 3])), write_global_pools)
    assert ops(after) == {"GlobalAveragePool": 1, "Flatten": 1}


@pytest.mark.parametrize(("shape", "axes"), [("N,4,5,6", [1, 2]), ("N,4,5", [1, 2])])
def test_other_means_stay(shape: str, axes: list[int]) -> None:
    text = f"agraph (float[{shape}] x) => (float y) {{ m = ReduceMean(x, axes) y = ReduceSum(m) }}"
    text = text.replace("y = ReduceSum(m)", "y = ReduceSum <keepdims=0> (m)")
    after = rewritten(model(text, axes=np.array(axes)), write_global_pools, 1e-4)
    assert ops(after) == {"ReduceMean": 1, "ReduceSum": 1}
