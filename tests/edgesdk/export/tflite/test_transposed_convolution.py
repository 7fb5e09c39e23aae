"""ConvTranspose with any pads, groups, dilation and output padding."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edgesdk.export.judged import codes, judge
from tests.quant.graph.written import random


@settings(max_examples=30)
@given(data=st.data())
def test_two_dimensions(data: st.DataObject) -> None:
    draw = data.draw
    group = draw(st.sampled_from([1, 1, 2]))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(2, 3)))
    strides = draw(st.tuples(st.integers(1, 3), st.integers(1, 2)))
    dilations = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    pads = draw(st.tuples(*[st.integers(0, 1)] * 4))
    extra = tuple(draw(st.integers(0, max(s - 1, 0))) for s in strides)
    attributes = (
        f"group={group}, strides={list(strides)}, dilations={list(dilations)}, "
        f"pads={list(pads)}, output_padding={list(extra)}"
    )
    judge(
        f"(float[1,{2 * group},5,4] x) => (float[1,{3 * group},H,W] y) "
        f"{{ y = ConvTranspose <{attributes}> (x, w, b) }}",
        w=random(2 * group, 3, *kernel),
        b=random(3 * group),
    )


@settings(max_examples=10)
@given(kernel=st.integers(1, 4), stride=st.integers(1, 3), pads=st.integers(0, 1))
def test_one_dimension(kernel: int, stride: int, pads: int) -> None:
    attributes = f"strides=[{stride}], pads=[{pads},{pads}]"
    judge(
        f"(float[1,2,6] x) => (float[1,3,L] y) {{ y = ConvTranspose <{attributes}> (x, w) }}",
        w=random(2, 3, kernel),
    )


@pytest.mark.parametrize(
    ("attributes", "padding"),
    [("strides=[2,2]", "VALID"), ("strides=[2,2], auto_pad=SAME_UPPER", "SAME")],
)
def test_what_tflite_names_is_one_operator(attributes: str, padding: str) -> None:
    attributes = attributes.replace("SAME_UPPER", '"SAME_UPPER"')
    text = f"(float[1,2,5,4] x) => (float[1,3,H,W] y) {{ y = ConvTranspose <{attributes}> (x, w) }}"
    lowered = judge(text, w=random(2, 3, 3, 3))
    (operator,) = lowered.subgraphs[0].operators
    assert operator.options["padding"] == padding


def test_an_output_shape_is_kept() -> None:
    attributes = "strides=[3,2], output_shape=[10,8]"
    text = f"(float[1,1,3,3] x) => (float[1,2,H,W] y) {{ y = ConvTranspose <{attributes}> (x, w) }}"
    assert "STRIDED_SLICE" in codes(judge(text, w=random(1, 2, 3, 3)))
