"""Layers in short loops of known length become layers of the graph."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

import edgesdk
from edgesdk.capture import capture
from edgesdk_quant.graph import to_bytes
from tests.quant.graph.written import model, ops, random, run

CELL = """agraph (float[1,6] x) => (float[1,6] y) {
    v = Identity(w) y = Loop (n, go, x) <body = turn (int64 i, bool c, float[1,6] s)
        => (bool c2, float[1,6] s2) { c2 = Identity(c) p = MatMul(s, v) s2 = Tanh(p) }>
}"""


def cell(turns: int) -> ir.Model:
    return model(CELL, n=np.array(turns), go=np.array(True), w=random(6, 6))


def test_a_cell_of_three_turns_is_three_products_that_are_quantized() -> None:
    source = cell(3)
    graph = capture(source)
    assert ops(graph) == {"MatMul": 3, "Tanh": 3}
    x = random(1, 6)
    np.testing.assert_allclose(run(graph, {"x": x})[0], run(source, {"x": x})[0], atol=1e-6)
    made = edgesdk.quantize(to_bytes(source), [random(1, 6, seed=i) for i in range(8)])
    assert made.counts() == {"int8": 6}


def test_a_long_loop_stays_one_and_it_is_said_what_that_means() -> None:
    graph = capture(cell(5000))
    assert ops(graph)["Loop"] == 1
    with pytest.raises(edgesdk.EdgeError, match="layers in a loop of unknown or great length"):
        edgesdk.quantize(graph, [random(1, 6)])
