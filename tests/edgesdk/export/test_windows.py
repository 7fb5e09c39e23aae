"""Windows: TFLite's names for pads, and how many taps of each lie on the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk.export.windows import Window, same_pads, window_of


def window(size: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int]) -> Window:
    return Window((size,), (kernel,), (stride,), (dilation,), (pads,))


@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
def test_same_makes_one_output_for_each_stride(
    size: int, kernel: int, stride: int, dilation: int
) -> None:
    before, after = same_pads(size, kernel, stride, dilation)
    outputs = (size + before + after - (kernel - 1) * dilation - 1) // stride + 1
    assert outputs == -(-size // stride) or before + after == 0
    assert after - before in (0, 1)
    name = window(size, kernel, stride, dilation, (before, after)).padding_name()
    assert name == ("SAME" if before or after else "VALID")


def test_pads_with_the_odd_one_in_front_have_no_name() -> None:
    assert window(8, 3, 2, 1, (1, 0)).padding_name() == ""


@given(
    size=st.integers(1, 9),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    pads=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    outputs=st.integers(1, 4),
)
def test_taps_are_counted_one_by_one(
    size: int,
    kernel: int,
    stride: int,
    dilation: int,
    pads: tuple[int, int],
    outputs: int,
) -> None:
    on_image = [
        sum(0 <= i * stride - pads[0] + k * dilation < size for k in range(kernel))
        for i in range(outputs)
    ]
    counted = window(size, kernel, stride, dilation, pads).counted([outputs], ((0, 0),))
    np.testing.assert_array_equal(counted, on_image)


def test_reaching_adds_what_the_last_window_needs() -> None:
    assert window(8, 3, 2, 1, (0, 0)).reaching([4]).pads == ((0, 1),)
    assert window(8, 3, 2, 1, (1, 1)).reaching([4]).pads == ((1, 1),)


@pytest.mark.parametrize(
    ("mode", "pads"), [("SAME_UPPER", (0, 1)), ("SAME_LOWER", (1, 0)), ("VALID", (0, 0))]
)
def test_auto_pad(mode: str, pads: Sequence[int]) -> None:
    node = ir.node("MaxPool", [], {"auto_pad": mode, "strides": [2]})
    assert window_of(node, [8], [3]).pads == (pads,)
