"""Gemm and MatMul in all their forms."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.edgesdk.export.judged import codes, judge, judge_model
from tests.quant.graph.written import model, random


@pytest.mark.parametrize(("turned", "biased"), list(product([0, 1], [0, 1])))
def test_gemm_is_fully_connected(turned: int, biased: int) -> None:
    operands = "x, w, b" if biased else "x, w"
    text = f"(float[2,5] x) => (float[2,3] y) {{ y = Gemm <transB={turned}> ({operands}) }}"
    shape = (3, 5) if turned else (5, 3)
    assert codes(judge(text, w=random(*shape), b=random(3))) == ["FULLY_CONNECTED"]


def test_the_features_of_a_flattened_image_are_reordered_in_the_weights() -> None:
    text = """(float[2,3,6,6] x) => (float[2,5] y) {
        c = Conv(x, k) f = Flatten(c) y = Gemm(f, w, b)
    }"""
    lowered = judge(text, k=random(4, 3, 3, 3), w=random(64, 5), b=random(5))
    assert codes(lowered) == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"]


@pytest.mark.parametrize(
    ("left", "right"),
    [("2,3,4", "2,4,5"), ("3,4", "2,4,5"), ("2,1,3,4", "5,4,2"), ("1,3,4", "4,5")],
)
def test_products_of_activations(left: str, right: str) -> None:
    text = f"(float[{left}] a, float[{right}] b) => (float[A,B,C] y) {{ y = MatMul(a, b) }}"
    rank = max(left.count(","), right.count(",")) + 1
    text = text.replace("A,B,C", ",".join("ABCD"[:rank]))
    judge(text)


def test_the_activation_behind_a_product_is_fused() -> None:
    text = "(float[2,5] x) => (float[2,3] y) { m = Gemm(x, w, b) y = Relu(m) }"
    lowered = judge(text, w=random(5, 3), b=random(3))
    (operator,) = lowered.subgraphs[0].operators
    assert operator.options["fused_activation_function"] == "RELU"


@pytest.mark.parametrize("operands", ["m, b", "b, m"])
def test_a_vector_that_is_added_to_a_product_is_its_bias(operands: str) -> None:
    text = f"""(float[1,2,5] x) => (float[1,2,3] y) {{
        m = MatMul(x, w) a = Add({operands}) y = Relu(a)
    }}"""
    lowered = judge(text, w=random(5, 3), b=random(3))
    assert codes(lowered) == ["FULLY_CONNECTED"]
    assert lowered.subgraphs[0].operators[0].options["fused_activation_function"] == "RELU"


@pytest.mark.parametrize("shape", [(1,), (2, 1), (2, 3), (1, 1, 2, 3)])
def test_what_is_no_vector_of_the_features_stays_a_sum(shape: tuple[int, ...]) -> None:
    rank = ",".join(map(str, np.broadcast_shapes(shape, (2, 3))))
    text = f"(float[2,5] x) => (float[{rank}] y) {{ m = MatMul(x, w) y = Add(m, b) }}"
    assert codes(judge(text, w=random(5, 3), b=random(*shape))) == ["FULLY_CONNECTED", "ADD"]


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ('name = "a"\n[weights]\ndynamic = true', ["FULLY_CONNECTED"]),
        ('name = "a"\n[weights]\ndynamic = false', ["DEQUANTIZE", "FULLY_CONNECTED"]),
        ("", ["DEQUANTIZE", "FULLY_CONNECTED"]),
        ("no TOML [", ["DEQUANTIZE", "FULLY_CONNECTED"]),
    ],
)
def test_a_dynamic_recipe_hands_float_rows_to_int8_weights(
    recipe: str, expected: list[str]
) -> None:
    text = """agraph (float[2,8] x) => (float[2,3] y) {
        w = DequantizeLinear <axis=1> (q, s, z) y = MatMul(x, w)
    }"""
    q = np.random.default_rng(5).integers(-127, 128, (8, 3), np.int8)
    source = model(text, q=q, s=np.array([0.01, 0.02, 0.03], np.float32), z=np.zeros(3, np.int8))
    source.metadata_props["edgesdk.recipe"] = recipe
    dynamic = expected == ["FULLY_CONNECTED"]
    assert codes(judge_model(source, tolerance=0.02 if dynamic else 1e-5)) == expected
