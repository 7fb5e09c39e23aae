"""Pools whose windows TFLite has, borders of any size included."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgesdk.capture import capture
from edgesdk.export.tflite import lower
from edgesdk_runtimes.errors import UnsupportedError
from tests.edgesdk.export.judged import codes, judge
from tests.quant.graph.written import model


@settings(max_examples=30)
@given(
    op=st.sampled_from(["MaxPool", "AveragePool"]),
    kernel=st.tuples(st.integers(1, 4), st.integers(2, 3)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    ceil=st.integers(0, 1),
    count=st.integers(0, 1),
)
def test_two_dimensions(
    op: str,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    ceil: int,
    count: int,
) -> None:
    assume(all(pads[i] < kernel[i % 2] for i in range(4)))
    included = f", count_include_pad={count}" if op == "AveragePool" else ""
    attributes = (
        f"kernel_shape={list(kernel)}, strides={list(strides)}, pads={list(pads)}, "
        f"ceil_mode={ceil}{included}"
    )
    judge(f"(float[1,3,9,8] x) => (float[1,3,H,W] y) {{ y = {op} <{attributes}> (x) }}")


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("pads", [[0, 0], [1, 1], [2, 0]])
def test_one_dimension(op: str, pads: list[int]) -> None:
    attributes = f"kernel_shape=[3], strides=[2], pads={pads}"
    judge(f"(float[2,3,9] x) => (float[2,3,L] y) {{ y = {op} <{attributes}> (x) }}")


def test_a_border_of_a_maximum_holds_the_lowest_value() -> None:
    text = """(float[1,2,6,6] x) => (float[1,2,H,W] y) {
        n = Neg(x) a = Abs(n) b = Neg(a) y = MaxPool <kernel_shape=[3,3], pads=[2,0,2,0]> (b)
    }"""
    assert "PADV2" in codes(judge(text))


def test_the_global_maximum_is_one_window() -> None:
    text = "(float[1,3,5,7] x) => (float[1,3,1,1] y) { y = GlobalMaxPool(x) }"
    assert codes(judge(text)) == ["MAX_POOL_2D"]


def test_indices_are_refused() -> None:
    text = "agraph (float[1,1,4,4] x) => (float[1,1,A,B] y, int64[1,1,A,B] i)"
    graph = capture(model(f"{text} {{ y, i = MaxPool <kernel_shape=[2,2]> (x) }}"))
    with pytest.raises(UnsupportedError, match="the indices of the maxima are used"):
        lower(graph)
