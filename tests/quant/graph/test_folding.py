"""What depends on constants and known shapes only is computed once."""

from __future__ import annotations

import numpy as np

from edgesdk_quant.graph import constant
from edgesdk_quant.graph.folding import fold_constants
from tests.quant.graph.written import model, ops, random, rewritten


def test_arithmetic_on_constants_is_folded() -> None:
    text = """agraph (float[2,3] x) => (float[2,4] y) {
        t = Transpose <perm=[1,0]> (w) s = Mul(t, t) y = MatMul(x, s)
    }"""
    assert ops(rewritten(model(text, w=random(4, 3)), fold_constants)) == {"MatMul": 1}


def test_shape_arithmetic_on_known_sizes_is_folded() -> None:
    text = """agraph (float[2,3,4] x) => (float[2,12] y) {
        s = Shape(x) first = Gather(s, zero) f = Unsqueeze(first, axis)
        t = Concat <axis=0> (f, rest) y = Reshape(x, t)
    }"""
    weights = {"zero": np.array(0), "axis": np.array([0]), "rest": np.array([-1])}
    after = rewritten(model(text, **weights), fold_constants)
    assert ops(after) == {"Reshape": 1}
    assert constant(next(iter(after.graph)).inputs[1]) is not None


def test_quantized_weights_stay_integers() -> None:
    text = """agraph (float[2,3] x) => (float[2,4] y) {
        d = DequantizeLinear <axis=1> (w, s) y = MatMul(x, d)
    }"""
    weights = {"w": np.arange(-6, 6, dtype=np.int8).reshape(3, 4), "s": np.ones(4, np.float32)}
    after = rewritten(model(text, **weights), fold_constants)
    assert ops(after) == {"DequantizeLinear": 1, "MatMul": 1}


def test_random_numbers_are_not_folded() -> None:
    body = "r = RandomNormal <shape=[2,3]> () y = Add(x, r)"
    before = model(f"agraph (float[2,3] x) => (float[2,3] y) {{ {body} }}")
    fold_constants(before)
    assert ops(before) == {"RandomNormal": 1, "Add": 1}


def test_both_branches_may_give_the_same_value_from_outside() -> None:
    text = """agraph (float[2] x) => (float[2] y) {
        h = Neg(x) k = ReduceSum<keepdims=0>(x) c = Greater(k, zero)
        y = If(c) <then_branch = a () => (float[2] t) { t = Identity(h) },
                   else_branch = b () => (float[2] e) { e = Identity(h) }>
    }"""
    after = rewritten(model(text, zero=np.float32(0)), fold_constants)
    assert ops(after) == {"Neg": 1, "ReduceSum": 1, "Greater": 1, "If": 1, "Identity": 2}
