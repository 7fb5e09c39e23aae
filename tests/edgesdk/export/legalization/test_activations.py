"""Functions that TFLite lacks agree with ONNX Runtime, far from zero and near it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edgesdk.export.judged import judge
from tests.quant.graph.written import random

WIDE = np.concatenate([np.linspace(-100, 100, 41), [0.0, 1e-6, -1e-6, 1e-3]]).astype(np.float32)
NARROW = np.linspace(-0.9, 0.9, 45).astype(np.float32)


@pytest.mark.parametrize(
    "body",
    [
        "Erf(x)",
        "Softplus(x)",
        "Mish(x)",
        "Softsign(x)",
        "Selu(x)",
        "Celu <alpha=2.0> (x)",
        "Elu <alpha=0.5> (x)",
        "HardSigmoid(x)",
        "HardSigmoid <alpha=0.5, beta=0.6> (x)",
        "Shrink <lambd=1.5, bias=0.5> (x)",
        "ThresholdedRelu <alpha=2.0> (x)",
        "Asinh(x)",
    ],
)
def test_functions_of_any_number(body: str) -> None:
    judge(f"(float[45] x) => (float[45] y) {{ y = {body} }}", {"x": WIDE})


@pytest.mark.parametrize("op", ["Tan", "Sinh", "Cosh", "Atanh", "Erf"])
def test_functions_of_small_numbers(op: str) -> None:
    judge(f"(float[45] x) => (float[45] y) {{ y = {op}(x) }}", {"x": NARROW})


def test_acosh_starts_at_one() -> None:
    judge("(float[45] x) => (float[45] y) { y = Acosh(x) }", {"x": np.abs(WIDE) + 1})


@settings(max_examples=15)
@given(st.floats(-3.75, 3.75, width=32))
def test_erf_is_right_to_its_last_digits(x: float) -> None:
    """Relative to the result: a GELU of small numbers lives on it."""
    from math import erf

    from edgesdk.export.legalization.activations import ERF_P, ERF_Q

    square = float(x) ** 2
    ratio = np.polyval(ERF_P, square) / np.polyval(ERF_Q, square)
    assert abs(x * ratio - erf(x)) <= 1e-6 * abs(erf(x)) + 1e-30


@pytest.mark.parametrize(
    "body",
    ["IsNaN(x)", "IsInf(x)", "IsInf <detect_negative=0> (x)", "IsInf <detect_positive=0> (x)"],
)
def test_what_is_no_number(body: str) -> None:
    feeds = {"x": np.array([1, np.nan, np.inf, -np.inf, 0], np.float32)}
    judge(f"(float[5] x) => (bool[5] y) {{ y = {body} }}", feeds)


@pytest.mark.parametrize("kind", ["int32", "int64"])
@pytest.mark.parametrize("fmod", [0, 1])
def test_remainders_of_integers(kind: str, fmod: int) -> None:
    feeds = {"a": np.array([7, -7, 7, -7], kind), "b": np.array([3, 3, -3, -3], kind)}
    text = f"({kind}[4] a, {kind}[4] b) => ({kind}[4] y) {{ y = Mod <fmod={fmod}> (a, b) }}"
    judge(text, feeds)


def test_remainders_of_floats() -> None:
    feeds = {"a": random(9) * 10, "b": random(9, seed=1) * 3}
    judge("(float[9] a, float[9] b) => (float[9] y) { y = Mod <fmod=1> (a, b) }", feeds)


def test_a_power_of_two_types() -> None:
    feeds = {"a": np.array([2, 3, -4], np.int32), "b": np.array([2, 3, 2], np.float32)}
    judge("(int32[3] a, float[3] b) => (int32[3] y) { y = Pow(a, b) }", feeds)


def test_means_and_single_operands() -> None:
    text = """(float[4] a, float[4] b, float[4] c) => (float[4] y, float[4] z) {
        y = Mean(a, b, c) z = Max(a)
    }"""
    judge(text)
