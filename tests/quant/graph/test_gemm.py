"""Gemm's factors move into constants."""

from __future__ import annotations

from edgesdk_quant.graph.gemm import fold_gemm_factors
from tests.quant.graph.written import model, random, rewritten


def test_alpha_and_beta_are_folded() -> None:
    body = "y = Gemm <alpha = 0.5, beta = 2.0, transB = 1> (x, w, b)"
    text = f"agraph (float[2,4] x) => (float[2,5] y) {{ {body} }}"
    after = rewritten(model(text, w=random(5, 4), b=random(5)), fold_gemm_factors)
    assert list(next(iter(after.graph)).attributes) == ["transB"]


def test_factors_of_inputs_stay() -> None:
    body = "y = Gemm <alpha = 0.5, beta = 2.0> (x, w, b)"
    text = f"agraph (float[2,4] x, float[4,5] w, float[5] b) => (float[2,5] y) {{ {body} }}"
    after = rewritten(model(text), fold_gemm_factors)
    assert sorted(next(iter(after.graph)).attributes) == ["alpha", "beta"]
