"""TopK, CumSum and GatherND."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.edgesdk.export.judged import judge


@pytest.mark.parametrize(("axis", "largest"), list(product([0, 1, -1], [0, 1])))
def test_top_k(axis: int, largest: int) -> None:
    text = f"""(float[4,5,6] x) => (float[A,B,C] v, int64[A,B,C] i) {{
        v, i = TopK <axis={axis}, largest={largest}> (x, k)
    }}"""
    judge(text, k=np.array([2]))


@pytest.mark.parametrize(("exclusive", "reverse"), list(product([0, 1], [0, 1])))
def test_running_sums(exclusive: int, reverse: int) -> None:
    attributes = f"exclusive={exclusive}, reverse={reverse}"
    judge(f"(float[3,4] x) => (float[3,4] y) {{ y = CumSum <{attributes}> (x, a) }}", a=np.array(1))


@pytest.mark.parametrize("indices", [[[0, 1], [2, -1]], [[0], [2]], [[[1, 1]], [[0, 0]]]])
def test_gather_nd(indices: list[list[int]]) -> None:
    array = np.array(indices)
    rank = array.ndim - 1 + 3 - array.shape[-1]
    names = ",".join("ABCD"[:rank])
    judge(f"(float[3,4,5] x) => (float[{names}] y) {{ y = GatherND(x, i) }}", i=array)
