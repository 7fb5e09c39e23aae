"""Functions of one and two operands, broadcasts between layouts included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesdk.export.tflite.elementwise import BINARY, UNARY
from tests.edgesdk.export.judged import codes, judge
from tests.quant.graph.written import random

COMPARING = {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"}
TRUTH = {"And", "Or", "Not"}
POSITIVE = {"Log", "Sqrt", "Pow"}


@pytest.mark.parametrize("op", sorted(set(UNARY) - TRUTH))
def test_functions_of_one_number(op: str) -> None:
    feeds = {"x": np.abs(random(2, 7)) if op in POSITIVE else random(2, 7) * 3}
    judge(f"(float[2,7] x) => (float[2,7] y) {{ y = {op}(x) }}", feeds)


@pytest.mark.parametrize("op", sorted(set(BINARY) - TRUTH - {"PRelu", "Mod"}))
def test_functions_of_two_numbers(op: str) -> None:
    kind = "bool" if op in COMPARING else "float"
    feeds = {"a": np.abs(random(2, 7)), "b": random(2, 7, seed=1)}
    judge(f"(float[2,7] a, float[2,7] b) => ({kind}[2,7] y) {{ y = {op}(a, b) }}", feeds)


@pytest.mark.parametrize("op", ["And", "Or", "Xor"])
def test_truth_values(op: str) -> None:
    feeds = {"a": np.array([0, 0, 1, 1], bool), "b": np.array([0, 1, 0, 1], bool)}
    judge(f"(bool[4] a, bool[4] b) => (bool[4] y) {{ y = {op}(a, b) }}", feeds)


@settings(max_examples=25)
@given(
    op=st.sampled_from(["Add", "Sub", "Mul", "Div", "Max"]),
    shape=st.sampled_from(["1,3,4,5", "3,1,1", "4,5", "5", "1", "1,3,1,1", "1,1,4,5"]),
    held=st.booleans(),
    first=st.booleans(),
)
def test_operands_broadcast_beside_an_image(op: str, shape: str, held: bool, first: bool) -> None:
    sizes = [int(size) for size in shape.split(",")]
    operands = "c, b" if first else "b, c"
    given_too = "" if held else f", float[{shape}] b"
    text = f"""(float[1,3,4,5] x{given_too}) => (float[1,3,4,5] y) {{
        c = MaxPool <kernel_shape=[1,1]> (x) y = {op}({operands})
    }}"""
    judge(text, {"x": np.abs(random(1, 3, 4, 5)) + 1, "b": np.abs(random(*sizes)) + 1}) if (
        not held
    ) else judge(text, {"x": np.abs(random(1, 3, 4, 5)) + 1}, b=np.abs(random(*sizes)) + 1)


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        ((0.0, 6.0), "RELU6"),
        ((-1.0, 1.0), "RELU_N1_TO_1"),
        ((0.0, 3.0), "MINIMUM"),
        ((-2.0, 0.5), "MINIMUM"),
    ],
)
def test_clips(bounds: tuple[float, float], code: str) -> None:
    low, high = (np.array(bound, np.float32) for bound in bounds)
    text = "(float[2,7] x) => (float[2,7] y) { y = Clip(x, low, high) }"
    lowered = judge(text, {"x": random(2, 7) * 4}, low=low, high=high)
    assert codes(lowered)[-1] == code


@pytest.mark.parametrize("slope", [(3,), (1,), (3, 1, 1), (1, 1, 5)])
def test_prelu(slope: tuple[int, ...]) -> None:
    shape = slope if len(slope) == 3 or slope == (1,) else (slope[0], 1, 1)
    text = "(float[1,3,4,5] x) => (float[1,3,4,5] y) { y = PRelu(x, s) }"
    judge(text, s=np.abs(random(*shape)))


@pytest.mark.parametrize("target", [("int32", 6), ("int64", 7), ("bool", 9), ("uint8", 2)])
def test_casts(target: tuple[str, int]) -> None:
    kind, number = target
    feeds = {"x": np.abs(random(3, 4) * 40).round()}
    judge(f"(float[3,4] x) => ({kind}[3,4] y) {{ y = Cast <to={number}> (x) }}", feeds)


def test_where_broadcasts() -> None:
    text = "(float[2,3] x) => (float[2,3] y) { c = Greater(x, z) y = Where(c, x, z) }"
    judge(text, z=np.zeros((1, 3), np.float32))
