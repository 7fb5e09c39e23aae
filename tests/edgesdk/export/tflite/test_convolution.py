"""Conv in one and two dimensions, grouped, depthwise, dilated and padded in every way."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgesdk.capture import capture
from edgesdk.export.tflite import lower
from edgesdk_runtimes.errors import UnsupportedError
from tests.edgesdk.export.judged import codes, judge
from tests.quant.graph.written import model, random


@settings(max_examples=30)
@given(data=st.data())
def test_two_dimensions(data: st.DataObject) -> None:
    draw = data.draw
    group = draw(st.sampled_from([1, 1, 2, 4]))
    channels, units = group * draw(st.integers(1, 2)), group * draw(st.integers(1, 2))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 3)))
    strides = draw(st.tuples(st.integers(1, 3), st.integers(1, 2)))
    dilation = draw(st.sampled_from([1, 1, 2]))
    assume(dilation == 1 or max(strides) == 1)  # TFLite kernels take one or the other
    pads = draw(st.tuples(*[st.integers(0, 2)] * 4))
    attributes = (
        f"group={group}, strides={list(strides)}, dilations=[{dilation},{dilation}], "
        f"pads={list(pads)}"
    )
    judge(
        f"(float[1,{channels},9,10] x) => (float[1,{units},H,W] y) "
        f"{{ y = Conv <{attributes}> (x, w, b) }}",
        w=random(units, channels // group, *kernel),
        b=random(units),
    )


@settings(max_examples=10)
@given(
    kernel=st.integers(1, 4),
    stride=st.integers(1, 2),
    pads=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    group=st.sampled_from([1, 4]),
)
def test_one_dimension(kernel: int, stride: int, pads: tuple[int, int], group: int) -> None:
    attributes = f"strides=[{stride}], pads={list(pads)}, group={group}"
    lowered = judge(
        f"(float[2,4,11] x) => (float[2,8,L] y) {{ y = Conv <{attributes}> (x, w) }}",
        w=random(8, 4 // group, kernel),
    )
    assert "TRANSPOSE" not in codes(lowered)


@pytest.mark.parametrize(("pads", "padding"), [([0, 0, 1, 1], "SAME"), ([0, 0, 0, 0], "VALID")])
def test_pads_that_tflite_names_need_no_operator(pads: list[int], padding: str) -> None:
    text = f"""(float[1,3,8,8] x) => (float[1,4,H,W] y) {{
        c = Conv <strides=[2,2], pads={pads}> (x, w) y = Relu(c)
    }}"""
    lowered = judge(text, w=random(4, 3, 3, 3))
    (operator,) = lowered.subgraphs[0].operators
    assert operator.options["padding"] == padding
    assert operator.options["fused_activation_function"] == "RELU"


def test_three_dimensions_are_refused() -> None:
    text = "agraph (float[1,2,4,4,4] x) => (float[1,2,A,B,C] y) { y = Conv(x, w) }"
    graph = capture(model(text, w=random(2, 2, 2, 2, 2)))
    with pytest.raises(UnsupportedError, match="3 spatial dimensions; 1 and 2 are possible"):
        lower(graph)
