"""Quantized models of other tools: what a TFLite tensor cannot stand for is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.edgesdk.export.judged import Feeds, codes, judge
from tests.quant.graph.written import random


def scale(value: float | list[float]) -> np.ndarray:
    return np.array(value, np.float32)


def zero(value: Any, kind: str = "uint8") -> np.ndarray:
    return np.array(value, kind)


X: Feeds = {"x": random(2, 3, 4) * 2}


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16"])
def test_integers_that_leave_the_model(kind: str) -> None:
    text = f"(float[2,3,4] x) => ({kind}[2,3,4] y) {{ y = QuantizeLinear(x, s, z) }}"
    judge(text, X, s=scale(0.05), z=zero(7, kind))


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16"])
def test_integers_that_enter_the_model(kind: str) -> None:
    q = np.random.default_rng(0).integers(0, 100, (2, 3)).astype(kind)
    text = f"({kind}[2,3] x) => (float[2,3] y) {{ y = DequantizeLinear(x, s, z) }}"
    judge(text, {"x": q}, s=scale(0.05), z=zero(7, kind))


def test_a_scale_for_each_channel_of_an_activation() -> None:
    text = """(float[2,3,4] x) => (float[2,3,4] y) {
        q = QuantizeLinear <axis=1> (x, s, z) y = DequantizeLinear <axis=1> (q, s, z)
    }"""
    judge(text, X, s=scale([0.05, 0.1, 0.02]), z=zero([0, 128, 255]))


def test_a_scale_that_is_computed() -> None:
    text = """(float[2,3,4] x) => (float[2,3,4] y, uint8[2,3,4] q, float s) {
        q, s, z = DynamicQuantizeLinear(x) y = DequantizeLinear(q, s, z)
    }"""
    judge(text, X)


def test_integers_between_operators_that_only_move_them() -> None:
    text = """(float[2,3,4] x) => (float[4,6] y) {
        q = QuantizeLinear(x, s, z) t = Transpose <perm=[2,0,1]> (q) r = Reshape(t, n)
        y = DequantizeLinear(r, s, z)
    }"""
    judge(text, X, s=scale(0.05), z=zero(100), n=np.array([4, 6]))


WEIGHTED = """(float[1,3,6,6] x) => (float[1,4,4,4] y) {
    q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z)
    w = DequantizeLinear <axis=0> (k, ks, kz)
    c = Conv(d, w) o = QuantizeLinear(c, os, oz) y = DequantizeLinear(o, os, oz)
}"""


@pytest.mark.parametrize(
    ("kind", "points", "integer"),
    [
        ("int8", [0, 0, 0, 0], True),
        ("uint8", [128, 128, 128, 128], True),
        ("uint8", [120, 130, 128, 7], False),
        ("int8", [3, 0, 0, -9], False),
    ],
)
def test_zero_points_of_weights_count(kind: str, points: list[int], integer: bool) -> None:
    low = 0 if kind == "uint8" else -127
    kernel = np.random.default_rng(0).integers(low, low + 255, (4, 3, 3, 3)).astype(kind)
    step = 0.05
    lowered = judge(
        WEIGHTED,
        s=scale(0.02),
        z=zero(128),
        k=kernel,
        ks=scale([0.01, 0.02, 0.005, 0.01]),
        kz=zero(points, kind),
        os=scale(step),
        oz=zero(128),
        tolerance=0.02,  # of the largest result: one step of the output
    )
    conv = next(o for o in lowered.subgraphs[0].operators if o.code == "CONV_2D")
    tensors = lowered.subgraphs[0].tensors
    assert (tensors[conv.inputs[0]].type == "INT8") == integer


@pytest.mark.parametrize(
    "body",
    [
        "m = MaxPool <kernel_shape=[2,2]> (d)",
        "m = Concat <axis=1> (d, d)",
        "m = Slice(d, one, two, one)",
        "m = Max(d, d)",
        "m = Resize(d, roi, twice)",
        "m = Pad(d, pads)",
        "m = Sigmoid(d)",
        "m = Tanh(d)",
        "m = Softmax(d)",
        "m = AveragePool <kernel_shape=[2,2]> (d)",
    ],
)
def test_another_scale_behind_than_in_front_is_kept(body: str) -> None:
    text = f"""(float[1,3,4,4] x) => (float[A,B,C,D] y) {{
        q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z)
        {body.replace("roi", "")} o = QuantizeLinear(m, os, oz) y = DequantizeLinear(o, os, oz)
    }}"""
    step = 0.05
    judge(
        text,
        s=scale(0.02),
        z=zero(100),
        os=scale(step),
        oz=zero(30),
        one=np.array([1]),
        two=np.array([2]),
        twice=np.array([1, 1, 2, 2], np.float32),
        pads=np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        tolerance=1.01 * step,  # a tie may round the other way
    )


def test_a_quantized_border_is_no_zero() -> None:
    text = """(float[1,3,4,4] x) => (float[1,3,6,6] y) {
        q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) v = DequantizeLinear(b, s, z)
        m = Pad(d, pads, v) o = QuantizeLinear(m, s, z) y = DequantizeLinear(o, s, z)
    }"""
    pads = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    judge(text, s=scale(0.02), z=zero(100), b=zero(200), pads=pads)


def test_a_bias_of_another_scale_is_brought_to_that_of_the_products() -> None:
    text = """(float[2,8] x) => (float[2,4] y) {
        q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z)
        w = DequantizeLinear <axis=1> (k, ks, kz) b = DequantizeLinear(c, cs, cz)
        g = Gemm(d, w, b) o = QuantizeLinear(g, os, oz) y = DequantizeLinear(o, os, oz)
    }"""
    lowered = judge(
        text,
        s=scale(0.02),
        z=zero(128),
        k=np.random.default_rng(0).integers(-127, 127, (8, 4)).astype(np.int8),
        ks=scale([0.01, 0.02, 0.005, 0.01]),
        kz=zero([0] * 4, "int8"),
        c=np.array([100, -50, 3, 7], np.int8),
        cs=scale(0.03),
        cz=zero(0, "int8"),
        os=scale(0.05),
        oz=zero(128),
        tolerance=0.03,
    )
    assert "FULLY_CONNECTED" in codes(lowered)


def test_weights_in_blocks_are_written_out() -> None:
    text = """(float[2,8] x) => (float[2,4] y) {
        w = DequantizeLinear <axis=0, block_size=4> (k, ks) y = MatMul(x, w)
    }"""
    kernel = np.random.default_rng(0).integers(-8, 8, (8, 4)).astype(np.int8)
    with pytest.warns(UserWarning, match="written as floats"):
        judge(text, k=kernel, ks=abs(random(2, 4)))
