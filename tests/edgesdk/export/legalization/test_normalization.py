"""Normalizations that are written out."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk.capture import capture
from edgesdk.export.tflite import lower
from tests.edgesdk.export.judged import codes, judge
from tests.quant.graph.written import model, random


@pytest.mark.parametrize("shape", ["2,3,4,5", "2,3,7"])
def test_instance_normalization(shape: str) -> None:
    text = f"(float[{shape}] x) => (float[{shape}] y) {{ y = InstanceNormalization(x, s, b) }}"
    judge(text, s=random(3), b=random(3, seed=1), tolerance=1e-4)


def test_group_normalization_by_its_definition() -> None:
    text = """(float[1,4,5,6] x) => (float[1,4,5,6] y) {
        y = GroupNormalization <num_groups=2> (x, s, b)
    }"""
    judge(text, s=random(4), b=random(4, seed=1), tolerance=1e-4)


def test_a_linear_layer_behind_it_stays_one() -> None:
    text = """agraph (float[1,4,2,2] x) => (float[1,3] y) {
        g = GroupNormalization <num_groups=2> (x, s, b) f = Reshape(g, flat) h = Gemm(f, w, c)
        y = Relu(h)
    }"""
    arrays = {"s": random(4), "b": random(4), "w": random(16, 3), "c": random(3)}
    graph = capture(model(text, flat=np.array([-1, 16]), **arrays))
    assert "FULLY_CONNECTED" in codes(lower(graph))


def test_batch_normalization_of_run_time_parameters() -> None:
    text = """(float[2,3,4] x, float[3] s) => (float[2,3,4] y) {
        y = BatchNormalization(x, s, b, m, v)
    }"""
    judge(text, b=random(3), m=random(3, seed=1), v=abs(random(3, seed=2)) + 1)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_local_response_normalization(size: int) -> None:
    text = f"(float[1,5,4,4] x) => (float[1,5,4,4] y) {{ y = LRN <size={size}, alpha=0.1> (x) }}"
    judge(text)


@pytest.mark.parametrize("axis", [0, -1])
def test_hardmax(axis: int) -> None:
    judge(f"(float[3,4] x) => (float[3,4] y) {{ y = Hardmax <axis={axis}> (x) }}")


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_the_sum_of_magnitudes(axis: int) -> None:
    text = f"(float[3,4] x) => (float[3,4] y) {{ y = LpNormalization <axis={axis}, p=1> (x) }}"
    judge(text)


@pytest.mark.parametrize(
    "op", ["ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceLogSum"]
)
def test_reductions_by_their_definitions(op: str) -> None:
    text = f"(float[3,4] x) => (float[3,1] y) {{ p = Abs(x) y = {op} (p, a) }}"
    judge(text, a=np.array([1]), tolerance=1e-4)
