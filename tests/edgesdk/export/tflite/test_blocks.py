"""DepthToSpace and SpaceToDepth in both orders of channels."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgesdk.capture import capture
from edgesdk.export.tflite import lower
from edgesdk_quant.graph import from_proto
from tests.edgesdk.export.judged import RUN_BY, codes, judge, run_on
from tests.quant.graph.written import random


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize("block", [2, 3])
def test_depth_to_space(mode: str, block: int) -> None:
    attributes = f'blocksize={block}, mode="{mode}"'
    channels = 2 * block**2
    text = f"(float[1,{channels},3,4] x) => (float[1,2,H,W] y)"
    lowered = judge(f"{text} {{ y = DepthToSpace <{attributes}> (x) }}")
    assert ("GATHER" in codes(lowered)) == (mode == "CRD")


def test_a_convolution_makes_its_channels_in_the_order_that_depth_to_space_wants() -> None:
    text = """(float[1,3,4,5] x) => (float[1,2,H,W] y) {
        c = Conv (x, w, b)
        r = Relu (c)
        y = DepthToSpace <blocksize=2, mode="CRD"> (r)
    }"""
    assert codes(judge(text, w=random(8, 3, 1, 1), b=random(8))) == ["CONV_2D", "DEPTH_TO_SPACE"]


def test_a_convolution_that_others_read_keeps_the_order_of_its_channels() -> None:
    text = """(float[1,3,4,5] x) => (float[1,2,H,W] y, float[1,8,4,5] c) {
        c = Conv (x, w)
        y = DepthToSpace <blocksize=2, mode="CRD"> (c)
    }"""
    assert codes(judge(text, w=random(8, 3, 1, 1))) == ["CONV_2D", "GATHER", "DEPTH_TO_SPACE"]


def test_space_to_depth() -> None:
    text = "(float[1,2,6,4] x) => (float[1,8,3,2] y) { y = SpaceToDepth <blocksize=2> (x) }"
    assert codes(judge(text)) == ["SPACE_TO_DEPTH"]


def test_space_to_depth_in_crd_order_is_the_inverse_of_depth_to_space() -> None:
    text = """<ir_version: 8, opset_import: ["" : 28]>
    agraph (float[1,2,6,4] x) => (float[1,2,6,4] y) {
        d = SpaceToDepth <blocksize=2, mode="CRD"> (x)
        y = DepthToSpace <blocksize=2, mode="CRD"> (d)
    }"""
    if onnx.defs.onnx_opset_version() < 28:
        pytest.skip("this onnx knows no mode of SpaceToDepth, which came with opset 28")
    lowered = lower(capture(from_proto(onnx.parser.parse_model(text))))
    x = random(1, 2, 6, 4)
    for runtime in RUN_BY:
        np.testing.assert_array_equal(run_on(runtime, lowered, [x])[0], x)
