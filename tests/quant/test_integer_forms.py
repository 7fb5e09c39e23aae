"""Float operators get forms with integer kernels, and compute the same."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.integer_forms import write_integer_forms
from tests.quant.graph.written import model, ops, random, rewritten

WEIGHTS = {"w": random(6, 4, seed=1), "b": random(4, seed=2), "half": np.array([0.5], np.float32)}


@pytest.mark.parametrize("inputs", ["m, b", "b, m"])
@pytest.mark.parametrize("batch", ["N", "2"])
def test_a_bias_goes_into_the_product_of_deep_inputs(inputs: str, batch: str) -> None:
    text = f"agraph (float[{batch},5,6] x) => (float[{batch},5,4] y)"
    before = model(f"{text} {{ m = MatMul(x, w) y = Add({inputs}) }}", **WEIGHTS)
    assert ops(rewritten(before, write_integer_forms)) == {"Reshape": 2, "Gemm": 1}


def test_the_product_keeps_the_name_that_overrides_go_by() -> None:
    before = model(
        "agraph (float[2,5,6] x) => (float[2,5,4] y) { m = MatMul(x, w) y = Add(m, b) }", **WEIGHTS
    )
    next(iter(before.graph)).name = "dense"
    after = rewritten(before, write_integer_forms)
    assert [node.name for node in after.graph if node.op_type == "Gemm"] == ["dense"]


@pytest.mark.parametrize(
    "body",
    [
        "m = MatMul(x, w) y = Add(m, half)",  # not one bias a channel
        "m = MatMul(x, w) n = Relu(m) z = Add(m, b) y = Add(z, n)",  # the product has two readers
    ],
)
def test_other_sums_stay(body: str) -> None:
    before = model(f"agraph (float[2,5,6] x) => (float[2,5,4] y) {{ {body} }}", **WEIGHTS)
    assert "Gemm" not in ops(rewritten(before, write_integer_forms))


def test_a_constant_divisor_becomes_a_factor() -> None:
    before = model("agraph (float[2,6] x) => (float[2,6] y) { y = Div(x, half) }", **WEIGHTS)
    assert ops(rewritten(before, write_integer_forms)) == {"Mul": 1}


def test_a_negation_becomes_a_product_of_floats_alone() -> None:
    text = "agraph (float[2,6] x, int64[2] i) => (float[2,6] y, int64[2] j)"
    before = model(f"{text} {{ y = Neg(x) j = Neg(i) }}")
    assert ops(rewritten(before, write_integer_forms)) == {"Mul": 1, "Neg": 1}


@pytest.mark.parametrize("divisor", [0.0, 1e-39])
def test_a_divisor_without_a_finite_reciprocal_stays(divisor: float) -> None:
    before = model(
        "agraph (float[2,6] x) => (float[2,6] y) { y = Div(x, d) }", d=np.float32(divisor)
    )
    write_integer_forms(before)
    assert ops(before) == {"Div": 1}
