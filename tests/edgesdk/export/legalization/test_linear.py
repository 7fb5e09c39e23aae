"""Gemm and MatMul in forms that take more than one operator."""

from __future__ import annotations

import numpy as np
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


@pytest.mark.parametrize("depth", [3, 256, 700])
def test_integer_products_are_exact_at_any_depth(depth: int) -> None:
    integers = np.random.default_rng(0).integers
    feeds = {
        "a": integers(0, 256, (2, depth)).astype(np.uint8),
        "b": integers(0, 256, (depth, 4)).astype(np.uint8),
    }
    text = f"""(uint8[2,{depth}] a, uint8[{depth},4] b) => (int32[2,4] y) {{
        y = MatMulInteger(a, b, az, bz)
    }}"""
    judge(text, feeds, az=np.array(12, np.uint8), bz=np.array(200, np.uint8))


def test_integer_convolutions_are_exact() -> None:
    integers = np.random.default_rng(0).integers
    text = """(uint8[1,2,5,5] x) => (int32[1,3,5,5] y) {
        y = ConvInteger <pads=[1,1,1,1]> (x, w, xz, wz)
    }"""
    judge(
        text,
        {"x": integers(0, 256, (1, 2, 5, 5)).astype(np.uint8)},
        w=integers(0, 256, (3, 2, 3, 3)).astype(np.uint8),
        xz=np.array(7, np.uint8),
        wz=np.array(200, np.uint8),
    )
