"""QLinearConv and QLinearMatMul become Q/DQ with the same results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgesdk_quant.graph.quantized_operators import write_quantized_operators
from tests.quant.graph.written import model, ops, rewritten

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
