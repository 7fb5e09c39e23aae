"""Activations that are several operators become one table, with the bits of the operators."""

from __future__ import annotations

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.native.model_builder import GraphBuilder, ModelBuilder, pack
from tests.native.running import litert, opened

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
IMAGE = [1, 6, 6, 8]
SIGMOID = (1 / 256, -128)


def _tensor(graph: GraphBuilder, name: str, like: tuple[float, int]) -> int:
    return graph.tensor(name, IMAGE, np.int8, scale=[like[0]], zero_point=[like[1]])


def _convolution(graph: GraphBuilder, x: int) -> int:
    options = schema.Conv2DOptionsT()
    options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
    values = np.random.default_rng(0).integers(-127, 128, [8, 1, 1, 8])
    weights = graph.tensor("w", [8, 1, 1, 8], np.int8, data=values, scale=[0.004])
    bias = graph.tensor("b", [8], np.int32, data=range(-40, 40, 10), scale=[0.04 * 0.004])
    y = _tensor(graph, "c", (0.05, 3))
    graph.operator(OP.CONV_2D, [x, weights, bias], [y], options)
    return y


def swish(convolved: bool, first: bool, scale: float, zero: int, shared: bool = False) -> bytes:
    """[convolution] -> x * sigmoid(x), either first; shared: the sigmoid is an output too."""
    builder = ModelBuilder()
    graph = builder.graph("main")
    entry = x = _tensor(graph, "x", (0.04, -7))
    if convolved:
        x = _convolution(graph, x)
    gate, y = _tensor(graph, "s", SIGMOID), _tensor(graph, "y", (scale, zero))
    graph.operator(OP.LOGISTIC, [x], [gate])
    graph.operator(OP.MUL, [x, gate] if first else [gate, x], [y], schema.MulOptionsT())
    graph.ends([entry], [y, gate] if shared else [y])
    return pack(builder.model)


@given(
    convolved=st.booleans(),
    first=st.booleans(),
    scale=st.floats(0.001, 0.5),
    zero=st.integers(-128, 127),
)
@settings(max_examples=30, deadline=None)
def test_x_times_its_sigmoid_is_one_table_with_the_bits_of_litert(
    convolved: bool, first: bool, scale: float, zero: int
) -> None:
    model = swish(convolved, first, scale, zero)
    x = np.resize(np.arange(-128, 128, dtype=np.int8), IMAGE)
    session = opened(model)
    (actual,) = session.run([x])
    assert [node.op for node in session.nodes()] == [
        "CONV_2D+LOGISTIC+MUL" if convolved else "LOGISTIC+MUL"
    ]
    assert np.array_equal(actual, litert(model, [x])[0])
    assert np.array_equal(actual, opened(model, unfused=True).run([x])[0])


def test_a_sigmoid_that_others_read_stays() -> None:
    session = opened(swish(False, True, 0.1, 0, shared=True))
    assert [node.op for node in session.nodes()] == ["LOGISTIC", "MUL"]


def test_a_product_with_another_tensor_stays() -> None:
    builder = ModelBuilder()
    graph = builder.graph("main")
    x, other = _tensor(graph, "x", (0.04, -7)), _tensor(graph, "o", (0.03, 5))
    gate, y = _tensor(graph, "s", SIGMOID), _tensor(graph, "y", (0.02, 0))
    graph.operator(OP.LOGISTIC, [x], [gate])
    graph.operator(OP.MUL, [gate, other], [y], schema.MulOptionsT())
    graph.ends([x, other], [y])
    assert [node.op for node in opened(pack(builder.model)).nodes()] == ["LOGISTIC", "MUL"]


def test_a_function_of_a_function_is_one_table() -> None:
    builder = ModelBuilder()
    graph = builder.graph("main")
    x, gate, y = (
        _tensor(graph, n, q) for n, q in (("x", (0.04, -7)), ("s", SIGMOID), ("y", (1 / 128, 0)))
    )
    graph.operator(OP.LOGISTIC, [x], [gate])
    graph.operator(OP.TANH, [gate], [y])
    graph.ends([x], [y])
    model, values = pack(builder.model), np.resize(np.arange(-128, 128, dtype=np.int8), IMAGE)
    session = opened(model)
    assert [node.op for node in session.nodes()] == ["LOGISTIC+TANH"]
    assert np.array_equal(session.run([values])[0], litert(model, [values])[0])
