"""Softmax, LogSoftmax, LayerNormalization and LpNormalization over any dimension."""

from __future__ import annotations

import pytest

from tests.edgesdk.export.judged import judge
from tests.quant.graph.written import random


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax", "LpNormalization"])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_over_any_dimension(op: str, axis: int) -> None:
    judge(f"(float[3,4,5] x) => (float[3,4,5] y) {{ y = {op} <axis={axis}> (x) }}")


@pytest.mark.parametrize("axis", [1, 2, -1])
@pytest.mark.parametrize("operands", ["x, s, b", "x, s"])
def test_layer_normalization(axis: int, operands: str) -> None:
    shape = (3, 4, 5)[axis:]
    text = f"""(float[3,4,5] x) => (float[3,4,5] y) {{
        y = LayerNormalization <axis={axis}, epsilon=0.01> ({operands})
    }}"""
    judge(text, s=random(*shape), b=random(*shape, seed=2))


def test_mean_and_deviation_can_be_read() -> None:
    text = """(float[3,4,5] x) => (float[3,4,5] y, float[3,4,1] m, float[3,4,1] d) {
        y, m, d = LayerNormalization(x, s)
    }"""
    judge(text, s=random(5))
