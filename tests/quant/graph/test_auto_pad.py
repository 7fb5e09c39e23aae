"""SAME and VALID padding is written as numbers."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from edgesdk_quant.graph.auto_pad import write_out_padding, write_out_rounding
from edgesdk_quant.graph.shapes import infer_shapes
from edgesdk_quant.graph.values import value_shape
from tests.quant.graph.written import model, random, rewritten


@given(
    size=st.integers(6, 12),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    mode=st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]),
)
def test_convolutions_keep_their_results(size: int, kernel: int, stride: int, mode: str) -> None:
    assume(stride <= kernel)  # ONNX Runtime pads by negative numbers there
    attributes = f'auto_pad="{mode}", strides=[{stride}, 1]'
    text = (
        f"agraph (float[1,2,{size},7] x) => (float[1,3,H,W] y) {{ y = Conv <{attributes}> (x, w) }}"
    )
    after = rewritten(model(text, w=random(3, 2, kernel, 3)), write_out_padding, 1e-4)
    node = next(iter(after.graph))
    assert "auto_pad" not in node.attributes
    assert len(node.attributes.get_ints("pads", ())) == 4


@given(
    size=st.integers(3, 9),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    mode=st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]),
    op=st.sampled_from(["MaxPool", "AveragePool"]),
)
def test_pools_keep_their_results(size: int, kernel: int, stride: int, mode: str, op: str) -> None:
    assume(stride <= kernel)  # ONNX Runtime refuses the rest
    attributes = f'auto_pad="{mode}", kernel_shape=[{kernel}, 2], strides=[{stride}, 2]'
    text = f"agraph (float[1,2,{size},8] x) => (float[1,2,H,W] y) {{ y = {op} <{attributes}> (x) }}"
    after = rewritten(model(text), write_out_padding)
    assert "auto_pad" not in next(iter(after.graph)).attributes


@given(
    size=st.integers(3, 9),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    pad=st.integers(0, 1),
    op=st.sampled_from(["MaxPool", "AveragePool"]),
)
def test_rounding_up_becomes_padding(
    size: int, kernel: int, stride: int, pad: int, op: str
) -> None:
    assume(pad < kernel)
    rest = (size + 2 * pad - kernel) % stride
    assume(not rest or pad + stride < kernel + rest)  # ONNX Runtime 1.20 counts windows behind
    attributes = (
        f"ceil_mode=1, kernel_shape=[{kernel}, 2], strides=[{stride}, 2], pads=[{pad}, 0, {pad}, 0]"
    )
    text = f"agraph (float[1,2,{size},8] x) => (float[1,2,H,W] y) {{ y = {op} <{attributes}> (x) }}"
    after = rewritten(model(text), write_out_rounding)
    assert "ceil_mode" not in next(iter(after.graph)).attributes


def test_a_window_behind_the_image_does_not_exist() -> None:
    attributes = "ceil_mode=1, kernel_shape=[1], strides=[3]"
    text = f"agraph (float[1,2,3] x) => (float[1,2,L] y) {{ y = MaxPool <{attributes}> (x) }}"
    after = model(text)
    write_out_rounding(after)
    infer_shapes(after)
    assert value_shape(after.graph.outputs[0]) == (1, 2, 1)


def test_a_mean_that_counts_its_border_keeps_its_rounding() -> None:
    attributes = "ceil_mode=1, kernel_shape=[3], strides=[2], pads=[1, 1], count_include_pad=1"
    text = f"agraph (float[1,2,8] x) => (float[1,2,L] y) {{ y = AveragePool <{attributes}> (x) }}"
    after = rewritten(model(text), write_out_rounding)
    assert next(iter(after.graph)).attributes.get_int("ceil_mode") == 1


def test_an_unknown_image_size_keeps_its_mode() -> None:
    body = 'y = Conv <auto_pad="SAME_UPPER"> (x, w)'
    text = f"agraph (float[1,2,H,W] x) => (float[1,3,A,B] y) {{ {body} }}"
    before = model(text, w=random(3, 2, 3, 3))
    after = before.clone()
    write_out_padding(after)
    assert next(iter(after.graph)).attributes.get_string("auto_pad") == "SAME_UPPER"
