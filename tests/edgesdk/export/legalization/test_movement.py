"""Pads that crop, wrap and repeat, and parts without elements."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edgesdk.export.judged import judge


@settings(max_examples=20)
@given(
    mode=st.sampled_from(["edge", "wrap", "reflect"]),
    pads=st.tuples(*[st.integers(0, 4)] * 4),
)
def test_repeating_modes(mode: str, pads: tuple[int, ...]) -> None:
    text = f'(float[5,6] x) => (float[A,B] y) {{ y = Pad <mode="{mode}"> (x, p) }}'
    judge(text, p=np.array(pads))


@pytest.mark.parametrize("pads", [[-1, 0, 0, -2], [-1, 2, 1, -3], [0, -1, 0, 0]])
def test_negative_pads_crop(pads: list[int]) -> None:
    judge("(float[5,6] x) => (float[A,B] y) { y = Pad(x, p) }", p=np.array(pads))


def test_pads_of_some_axes() -> None:
    text = "(float[2,5,6] x) => (float[A,B,C] y) { y = Pad(x, p, v, a) }"
    fill = np.array(2.0, np.float32)
    judge(text, p=np.array([1, 2]), v=fill, a=np.array([-1]))


def test_empty_parts_are_left_out() -> None:
    text = """(float[2,6] x) => (float[2,6] y) {
        a, b = Split <axis=1> (x, n) n2 = Neg(a) y = Concat <axis=1> (n2, b)
    }"""
    judge(text, n=np.array([6, 0]))


@pytest.mark.parametrize(("second", "left"), [("1,2,0", 0), ("0,2,1", 1)])
def test_what_is_turned_twice_is_turned_once_or_not_at_all(second: str, left: int) -> None:
    shape = {"1,2,0": "2,3,4", "0,2,1": "4,3,2"}[second]
    text = f"""(float[2,3,4] x) => (float[{shape}] y) {{
        t = Transpose <perm=[2,0,1]> (x) y = Transpose <perm=[{second}]> (t)
    }}"""
    operators = judge(text).subgraphs[0].operators
    assert [operator.code for operator in operators].count("TRANSPOSE") == left
