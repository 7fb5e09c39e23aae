"""QLinearConv and the like become Q/DQ with the same results."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from edgesdk_quant.graph import normalize
from edgesdk_quant.graph.quantized_operators import write_quantized_operators
from edgesdk_runtimes.errors import UnsupportedError
from tests.quant.graph.written import model, ops, rewritten, run

HEAD = """agraph (float[1,3,6,6] x) => (float[1,4,4,4] y) {
    q = QuantizeLinear(x, s, z)
"""
TAIL = "y = DequantizeLinear(o, os, oz) }"


def parameters(per_channel: bool) -> dict[str, Any]:
    random = np.random.default_rng(0)
    scales = [0.01, 0.02, 0.005, 0.01] if per_channel else 0.01
    return {
        "s": np.array(0.02, np.float32),
        "z": np.array(120, np.uint8),
        "w": random.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8),
        "ws": np.array(scales, np.float32),
        "wz": np.zeros(4 if per_channel else (), np.int8),
        "os": np.array(0.05, np.float32),
        "oz": np.array(130, np.uint8),
        "b": random.integers(-500, 500, 4).astype(np.int32),
    }


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bias", ["", ", b"])
def test_convolutions(per_channel: bool, bias: str) -> None:
    text = f"{HEAD} o = QLinearConv(q, s, z, w, ws, wz, os, oz{bias}) {TAIL}"
    before = model(text, **parameters(per_channel))
    after = rewritten(before, write_quantized_operators, tolerance=0.051)  # ties round either way
    assert ops(after)["Conv"] == 1
    assert ops(after)["QLinearConv"] == 0


def test_products() -> None:
    text = """agraph (float[2,3] x) => (float[2,4] y) {
        q = QuantizeLinear(x, s, z) o = QLinearMatMul(q, s, z, w, ws, wz, os, oz)
        y = DequantizeLinear(o, os, oz)
    }"""
    given = parameters(False)
    given["w"] = given["w"].reshape(-1)[:12].reshape(3, 4)
    after = rewritten(model(text, **given), write_quantized_operators, tolerance=0.051)
    assert ops(after)["MatMul"] == 1


def compare(before: ir.Model, after: ir.Model) -> None:
    """Equal but for ties, which round either way: one step of the result."""
    for expected, actual in zip(run(before), run(after), strict=True):
        np.testing.assert_allclose(actual, expected, atol=0.051)


IMAGE = "agraph (float[1,3,6,6] x) => (float[A,B,C,D] y) { q = QuantizeLinear(x, s, z)"
FOREIGN_BODIES = {
    "Add": "o = com.microsoft.QLinearAdd(q, s, z, q, s, z, os, oz)",
    "Mul": "o = com.microsoft.QLinearMul(q, s, z, q, s, z, os, oz)",
    "Sigmoid": "o = com.microsoft.QLinearSigmoid(q, s, z, os, oz)",
    "LeakyRelu": "o = com.microsoft.QLinearLeakyRelu<alpha=0.1>(q, s, z, os, oz)",
    "Softmax": "o = com.microsoft.QLinearSoftmax<axis=-1, opset=13>(q, s, z, os, oz)",
    "Concat": "o = com.microsoft.QLinearConcat<axis=1>(os, oz, q, s, z, q, s, z)",
    "AveragePool": "o = com.microsoft.QLinearAveragePool<kernel_shape=[2,2]>(q, s, z, os, oz)",
    "GlobalAveragePool": "o = com.microsoft.QLinearGlobalAveragePool(q, s, z, os, oz)",
}


@pytest.mark.parametrize("op_type", FOREIGN_BODIES)
def test_operators_of_onnx_runtime(op_type: str) -> None:
    before = model(f"{IMAGE} {FOREIGN_BODIES[op_type]} {TAIL}", **parameters(False))
    after = normalize(before)
    assert ops(after)[op_type] == 1
    compare(before, after)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("quantized", [False, True])
def test_the_gemm_of_onnx_runtime(per_channel: bool, quantized: bool) -> None:
    given = parameters(per_channel)
    given["w"] = given["w"].reshape(-1)[:12].reshape(4, 3)
    call = f"com.microsoft.QGemm<transB=1>(q, s, z, w, ws, wz, b{', os, oz' if quantized else ''})"
    text = "agraph (float[2,3] x) => (float[2,4] y) { q = QuantizeLinear(x, s, z) "
    before = model(text + (f"o = {call} {TAIL}" if quantized else f"y = {call} }}"), **given)
    after = normalize(before)
    assert ops(after)["Gemm"] == 1
    compare(before, after)


def test_a_form_of_theirs_that_is_not_known_is_refused_by_name() -> None:
    attributes = "<kernel_shape=[2,2], channels_last=1>"
    body = f"o = com.microsoft.QLinearAveragePool{attributes}(q, s, z, os, oz)"
    before = model(f"{IMAGE} {body} {TAIL}", **parameters(False))
    with pytest.raises(UnsupportedError, match=r"QLinearAveragePool; .*QuantFormat\.QDQ"):
        normalize(before)
