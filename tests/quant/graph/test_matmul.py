"""A two-dimensional MatMul with a constant and a bias becomes Gemm."""

from __future__ import annotations

import pytest

from edgesdk_quant.graph.matmul import write_gemms
from tests.quant.graph.written import model, ops, random, rewritten


@pytest.mark.parametrize("add", ["Add(m, b)", "Add(b, m)"])
def test_two_dimensions_become_gemm(add: str) -> None:
    text = f"agraph (float[N,4] x) => (float[N,5] y) {{ m = MatMul(x, w) y = {add} }}"
    after = rewritten(model(text, w=random(4, 5), b=random(5)), write_gemms)
    assert ops(after) == {"Gemm": 1}


def test_three_dimensions_stay() -> None:
    text = "agraph (float[N,3,4] x) => (float[N,3,5] y) { m = MatMul(x, w) y = Add(m, b) }"
    after = rewritten(model(text, w=random(4, 5), b=random(5)), write_gemms)
    assert ops(after) == {"MatMul": 1, "Add": 1}


def test_a_product_without_bias_stays() -> None:
    text = "agraph (float[N,4] x) => (float[N,5] y) { y = MatMul(x, w) }"
    assert ops(rewritten(model(text, w=random(4, 5)), write_gemms)) == {"MatMul": 1}
