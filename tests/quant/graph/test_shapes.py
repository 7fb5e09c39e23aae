"""Every value gets a type and a shape; the batch stays symbolic."""

from __future__ import annotations

import numpy as np

from edgesdk_quant.graph import value_shape
from edgesdk_quant.graph.shapes import infer_shapes
from tests.quant.graph.written import model, random


def test_the_batch_stays_open() -> None:
    text = "agraph (float[N,4,8,8] x) => (float[N,A,B,C] y) { c = Conv(x, w) y = Relu(c) }"
    graph = model(text, w=random(6, 4, 3, 3))
    infer_shapes(graph)
    assert [value_shape(node.outputs[0]) for node in graph.graph] == [(None, 6, 6, 6)] * 2


def test_shape_arithmetic_with_an_open_batch_is_followed() -> None:
    text = """agraph (float[N,3,4] x) => (float[A,B] y) {
        s = Shape(x) f = Gather(s, first) t = Concat <axis=0> (f, rest) y = Reshape(x, t)
    }"""
    graph = model(text, first=np.array([0]), rest=np.array([12]))
    infer_shapes(graph)
    assert value_shape(graph.graph.outputs[0]) == (None, 12)
