"""Pools that TFLite's windows cannot say."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.edgesdk.export.judged import judge


@settings(max_examples=20)
@given(
    op=st.sampled_from(["MaxPool", "AveragePool"]),
    kernel=st.tuples(st.integers(1, 3), st.integers(2, 3)),
    dilations=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    strides=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.tuples(*[st.integers(0, 1)] * 4),
    count=st.integers(0, 1),
)
def test_dilated(
    op: str,
    kernel: tuple[int, int],
    dilations: tuple[int, int],
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    count: int,
) -> None:
    assume(all(pads[i] < kernel[i % 2] for i in range(4)))
    included = f", count_include_pad={count}" if op == "AveragePool" else ""
    attributes = (
        f"kernel_shape={list(kernel)}, strides={list(strides)}, pads={list(pads)}, "
        f"dilations={list(dilations)}{included}"
    )
    judge(f"(float[1,2,9,8] x) => (float[1,2,H,W] y) {{ y = {op} <{attributes}> (x) }}")


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("pads", [[0] * 6, [1, 0, 1, 0, 1, 1]])
def test_three_dimensions(op: str, pads: list[int]) -> None:
    attributes = f"kernel_shape=[2,3,2], strides=[1,2,2], pads={pads}"
    judge(f"(float[1,2,5,6,7] x) => (float[1,2,D,H,W] y) {{ y = {op} <{attributes}> (x) }}")


@pytest.mark.parametrize("p", [1, 2, 3])
def test_power_means(p: int) -> None:
    attributes = f"kernel_shape=[2,3], strides=[2,1], pads=[1,0,0,1], p={p}"
    text = f"(float[1,2,6,7] x) => (float[1,2,H,W] y) {{ y = LpPool <{attributes}> (x) }}"
    judge(text, tolerance=1e-4)


def test_the_maximum_of_a_sequence() -> None:
    judge("(float[1,3,7] x) => (float[1,3,1] y) { y = GlobalMaxPool(x) }")
