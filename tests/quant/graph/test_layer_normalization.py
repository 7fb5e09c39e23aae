"""LayerNormalization written out becomes one node."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.graph.layer_normalization import fuse_layer_normalization
from tests.quant.graph.written import model, ops, random, rewritten

WEIGHTS = {
    "axes": np.array([-1]),
    "middle": np.array([1]),
    "two": np.array(2, np.float32),
    "epsilon": np.array(1e-5, np.float32),
    "scale": random(8),
    "bias": random(8, seed=1),
    "plane": random(4, 8, seed=2),
}
PARTS = "m = ReduceMean(x, axes) c = Sub(x, m) {square} v = ReduceMean(s, axes)"
TAIL = "e = Add(v, epsilon) d = Sqrt(e) n = Div(c, d) g = Mul(n, scale) y = Add(g, bias)"


def written(square: str, tail: str = TAIL, parts: str = PARTS) -> str:
    body = f"{parts.format(square=square)} {tail}"
    return f"agraph (float[2,4,8] x) => (float[2,4,8] y) {{ {body} }}"


@pytest.mark.parametrize("square", ["s = Pow(c, two)", "s = Mul(c, c)"])
def test_it_is_recognised(square: str) -> None:
    after = rewritten(model(written(square), **WEIGHTS), fuse_layer_normalization, 1e-4)
    assert ops(after) == {"LayerNormalization": 1}
    assert next(iter(after.graph)).attributes.get_float("epsilon") == pytest.approx(1e-5)


def test_operands_of_add_and_mul_may_be_swapped() -> None:
    tail = TAIL.replace("Mul(n, scale)", "Mul(scale, n)").replace("Add(g, bias)", "Add(bias, g)")
    after = rewritten(model(written("s = Mul(c, c)", tail), **WEIGHTS), fuse_layer_normalization)
    assert ops(after) == {"LayerNormalization": 1}


@pytest.mark.parametrize(
    ("square", "old", "new"),
    [
        ("s = Mul(c, c)", "ReduceMean(x, axes)", "ReduceMean(x, middle)"),
        ("s = Mul(c, x)", "", ""),
        ("s = Mul(c, c)", "bias)", "plane)"),
    ],
)
def test_another_formula_stays(square: str, old: str, new: str) -> None:
    text = written(square).replace("Div(c, d)", "Div(c, d)").replace(old, new)
    if square == "s = Mul(c, x)":
        text = text.replace("v = ReduceMean(s, axes)", "r = ReduceMean(s, axes) v = Abs(r)")
    after = rewritten(model(text, **WEIGHTS), fuse_layer_normalization)
    assert "LayerNormalization" not in ops(after)


IMAGES = """agraph (float[2,8,5,4] x) => (float[2,8,5,4] y) {{
    m = ReduceMean(x, {mean}) c = Sub(x, m) s = Pow(c, two) v = ReduceMean(s, {variance})
    e = Add(v, epsilon) d = Sqrt(e) n = Div(c, d) g = Mul(scale, n) y = Add(g, bias)
}}"""
CHANNELS = WEIGHTS | {
    "scale": WEIGHTS["scale"].reshape(8, 1, 1),
    "bias": WEIGHTS["bias"].reshape(1, 8, 1, 1),
}


def test_over_the_channels_of_images_it_is_turned() -> None:
    source = model(IMAGES.format(mean="middle", variance="middle"), **CHANNELS)
    after = rewritten(source, fuse_layer_normalization, 1e-4)
    assert [node.op_type for node in after.graph] == [
        "Transpose",
        "LayerNormalization",
        "Transpose",
    ]


@pytest.mark.parametrize(
    ("mean", "variance"), [("axes", "axes"), ("axes", "middle"), ("middle", "axes")]
)
def test_over_other_or_several_axes_of_images_it_stays(mean: str, variance: str) -> None:
    source = model(IMAGES.format(mean=mean, variance=variance), **CHANNELS)
    assert "LayerNormalization" not in ops(rewritten(source, fuse_layer_normalization, 1e-4))


def test_an_axis_may_be_a_number_without_dimensions() -> None:
    source = model(written("s = Mul(c, c)"), **(WEIGHTS | {"axes": np.array(-1)}))
    fuse_layer_normalization(source)  # ONNX Runtime takes vectors alone
    assert ops(source)["LayerNormalization"] == 1
