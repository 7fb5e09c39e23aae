"""Reductions over any axes, of images and of plain tensors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesdk.export.tflite.reduction import CODES
from tests.edgesdk.export.judged import codes, judge


@settings(max_examples=30)
@given(
    op=st.sampled_from(sorted(CODES)),
    axes=st.lists(st.integers(-4, 3), max_size=3, unique_by=lambda axis: axis % 4),
    keep=st.integers(0, 1),
    image=st.booleans(),
)
def test_any_axes(op: str, axes: list[int], keep: int, image: bool) -> None:
    rank = 4 if keep else 4 - len(axes) if axes else 0
    names = ",".join("ABCD"[:rank])
    result = f"float[{names}]" if rank else "float"
    source = "c = MaxPool <kernel_shape=[1,1]> (x)" if image else "c = Abs(x)"
    operands = "c, a" if axes else "c"
    text = (
        f"(float[2,3,4,5] x) => ({result} y) {{ {source} y = {op} <keepdims={keep}> ({operands}) }}"
    )
    judge(text, a=np.array(axes, np.int64), tolerance=1e-4)


def test_no_axes_may_mean_nothing_to_do() -> None:
    text = (
        "(float[2,3] x) => (float[2,3] y) { n = Neg(x) y = ReduceSum <noop_with_empty_axes=1> (n) }"
    )
    assert codes(judge(text)) == ["NEG"]


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("last", [0, 1])
def test_places_of_extremes(op: str, keep: int, last: int) -> None:
    names = "3,1,5" if keep else "3,5"
    attributes = f"axis=1, keepdims={keep}, select_last_index={last}"
    x = np.random.default_rng(0).integers(0, 3, (3, 4, 5)).astype(np.float32)
    judge(f"(float[3,4,5] x) => (int64[{names}] y) {{ y = {op} <{attributes}> (x) }}", {"x": x})


def test_the_global_average_is_a_mean() -> None:
    text = "(float[1,3,5,7] x) => (float[1,3,1,1] y) { y = GlobalAveragePool(x) }"
    assert codes(judge(text)) == ["MEAN"]
