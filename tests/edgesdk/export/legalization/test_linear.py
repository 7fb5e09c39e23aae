"""Gemm and MatMul in forms that take more than one operator."""

from __future__ import annotations

import pytest

from tests.edgesdk.export.judged import judge
from tests.quant.graph.written import random


@pytest.mark.parametrize(
    "attributes",
    ["transA=1", "transA=1, transB=1", "alpha=0.5, beta=2.0", "transB=1, beta=0.0"],
)
@pytest.mark.parametrize("bias", [(3,), (2, 3), (2, 1)])
def test_gemm(attributes: str, bias: tuple[int, ...]) -> None:
    left = "5,2" if "transA=1" in attributes else "2,5"
    right = "3,5" if "transB=1" in attributes else "5,3"
    text = f"(float[{left}] a, float[{right}] b) => (float[2,3] y)"
    judge(f"{text} {{ y = Gemm <{attributes}> (a, b, c) }}", c=random(*bias))


def test_a_bias_that_is_computed() -> None:
    text = "(float[2,5] x, float[3] c) => (float[2,3] y) { y = Gemm(x, w, c) }"
    judge(text, w=random(5, 3))


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [("4", "4,5", "5"), ("3,4", "4", "3"), ("4", "2,4,5", "2,5"), ("2,3,4", "4", "2,3")],
)
def test_vectors(left: str, right: str, result: str) -> None:
    text = f"(float[{left}] a, float[{right}] b) => (float[{result}] y) {{ y = MatMul(a, b) }}"
    judge(text)


def test_two_vectors_make_a_scalar() -> None:
    judge("(float[4] a, float[4] b) => (float y) { y = MatMul(a, b) }")
