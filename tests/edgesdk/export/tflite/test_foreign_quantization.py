"""Files of other quantizers whose types and scales TFLite's kernels do not take as they are."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_runtimes.errors import UnsupportedError
from tests.edgesdk.export.judged import codes, judge
from tests.quant.graph.written import random

STEP = 0.02
INPUT = "q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z)"
OUTPUT = "r = QuantizeLinear(o, s, z) y = DequantizeLinear(r, s, z)"


@pytest.mark.parametrize("op", ["Sigmoid", "Tanh", "Softmax"])
def test_sixteen_bits_of_a_scale_that_kernels_do_not_know_are_computed_as_floats(op: str) -> None:
    text = f"(float[2,7] x) => (float[2,7] y) {{ {INPUT} o = {op}(d) {OUTPUT} }}"
    scale = np.float32(1e-4)
    lowered = judge(text, tolerance=2e-4, s=scale, z=np.int16(0))
    assert codes(lowered)[:2] == ["QUANTIZE", "DEQUANTIZE"]


def test_unsigned_sixteen_bits_are_refused_with_what_works() -> None:
    text = f"(float[2,7] x) => (float[2,7] y) {{ {INPUT} o = Relu(d) {OUTPUT} }}"
    with pytest.raises(UnsupportedError, match=r"no quantized uint16; quantize to int8, uint8 or"):
        judge(text, s=np.float32(1e-4), z=np.uint16(30000))


def test_weights_of_a_zero_point_run_with_a_bias_of_32_bits() -> None:
    """LiteRT dequantizes no int32: the bias is written in real numbers."""
    body = """
        w = DequantizeLinear(v, ws, wz) b = DequantizeLinear(c, bs) o = Gemm(d, w, b)
    """
    lowered = judge(
        f"(float[2,6] x) => (float[2,4] y) {{ {INPUT} {body} {OUTPUT} }}",
        {"x": random(2, 6)},
        tolerance=STEP,
        s=np.float32(STEP),
        z=np.uint8(120),
        v=np.random.default_rng(0).integers(0, 256, (6, 4)).astype(np.uint8),
        ws=np.float32(0.005),
        wz=np.uint8(131),
        c=np.array([900, -4000, 0, 70], np.int32),
        bs=np.float32(STEP * 0.005),
    )
    assert "FULLY_CONNECTED" in codes(lowered)
