"""Models of old and new opsets arrive at opset 21 with the same results."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.graph.opset import OPSET, convert_opset
from edgesdk_runtimes.errors import UnsupportedError
from tests.quant.graph.written import model, ops, run

BODIES = {
    "ReduceMean": "y = ReduceMean <axes=[1], keepdims=1> (x)",
    "Squeeze": "r = ReduceMax <axes=[1], keepdims=1> (x) y = Relu(r)",
    "Softmax": "y = Softmax <axis=1> (x)",
    "Clip": "y = Clip(x, low)",
    "Split": "y, z = Split <axis=1> (x)",
}


@pytest.mark.parametrize("opset", [13, 15, 17])
@pytest.mark.parametrize("name", BODIES)
def test_older_opsets_are_converted(name: str, opset: int) -> None:
    text = f"agraph (float[2,4] x) => (float[A,B] y) {{ {BODIES[name]} }}"
    before = model(text, opset, low=np.array(0, np.float32))
    after = convert_opset(before.clone())
    assert after.graph.opset_imports[""] == OPSET
    np.testing.assert_allclose(run(after)[0], run(before)[0], rtol=1e-6)


def test_attributes_of_opset_9_become_inputs() -> None:
    text = """agraph (float[2,4,1] x) => (float[2,4] y) {
        c = Clip <min=-1.0, max=1.0> (x) y = Squeeze <axes=[2]> (c)
    }"""
    before = model(text, 9)
    np.testing.assert_array_equal(run(convert_opset(before.clone()))[0], run(before)[0])


def test_a_newer_opset_is_relabelled_if_its_operators_exist() -> None:
    before = model("agraph (float[2,4] x) => (float[2,4] y) { y = Relu(x) }", 22)
    after = convert_opset(before.clone())
    assert after.graph.opset_imports[""] == OPSET
    np.testing.assert_array_equal(run(after)[0], run(before)[0])


def test_operators_newer_than_opset_21_are_written_out() -> None:
    text = "agraph (float[2,4] x) => (float[2,4] y) { n = RMSNormalization(x, s) y = Swish(n) }"
    before = model(text, 24, s=np.ones(4, np.float32))
    after = convert_opset(before.clone())
    assert after.opset_imports[""] == OPSET
    np.testing.assert_allclose(run(after)[0], run(before)[0], rtol=1e-5, atol=1e-6)


def test_operators_newer_than_opset_21_without_a_definition_are_named() -> None:
    text = """agraph (float[2,4] x) => (float[2,4] y) {
        p = CumProd(x, a) y = BitCast <to=1> (p)
    }"""
    before = model(text, 26, a=np.array(1))
    with pytest.raises(UnsupportedError, match="BitCast, CumProd"):
        convert_opset(before)


def test_16_bit_quantization_of_onnxruntime_becomes_standard() -> None:
    text = """agraph (float[2,4] x) => (float[2,4] y) {
        q = com.microsoft.QuantizeLinear(x, s, z) y = com.microsoft.DequantizeLinear(q, s, z)
    }"""
    weights = {"s": np.array(0.01, np.float32), "z": np.array(0, np.int16)}
    after = convert_opset(model(text, 21, **weights))
    assert {node.domain for node in after.graph} == {""}
    assert ops(after) == {"QuantizeLinear": 1, "DequantizeLinear": 1}
