"""The number of threads changes the time, never the result."""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest

from edgesdk_runtimes.base import Array
from tests.native.model_builder import GraphBuilder, ModelBuilder, pack
from tests.native.running import litert, native

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
SHAPE = [1, 60, 51, 11]  # over the size below which elementwise operators stay on one thread


def _quantized(graph: GraphBuilder, name: str, scale: float = 0.05, zero_point: int = 3) -> int:
    return graph.tensor(name, SHAPE, np.int8, scale=[scale], zero_point=[zero_point])


def _int8_chain() -> Any:
    """QUANTIZE, a table, ADD with one row for all, MUL of two images, DEQUANTIZE."""
    builder = ModelBuilder()
    graph = builder.graph("main")
    x, y = graph.tensor("x", SHAPE), graph.tensor("y", SHAPE)
    q, shifted, product = (_quantized(graph, name) for name in ("q", "shifted", "product"))
    table = _quantized(graph, "table", 1 / 256, -128)
    row = graph.tensor("row", [11], np.int8, data=np.arange(11) - 5, scale=[0.1], zero_point=[0])
    graph.operator(OP.QUANTIZE, [x], [q])
    graph.operator(OP.LOGISTIC, [q], [table])
    graph.operator(OP.ADD, [table, row], [shifted], schema.AddOptionsT())
    graph.operator(OP.MUL, [shifted, q], [product], schema.MulOptionsT())
    graph.operator(OP.DEQUANTIZE, [product], [y])
    graph.ends([x], [y])
    return builder.model


def _float_chain() -> Any:
    """LOGISTIC, SUB with one row for all, MUL of two images, MINIMUM with one number."""
    builder = ModelBuilder()
    graph = builder.graph("main")
    x, a, b, c, y = (graph.tensor(name, SHAPE) for name in "xabcy")
    row = graph.tensor("row", [11], data=np.linspace(-1, 1, 11))
    one = graph.tensor("one", [1], data=[0.1])
    graph.operator(OP.LOGISTIC, [x], [a])
    graph.operator(OP.SUB, [a, row], [b], schema.SubOptionsT())
    graph.operator(OP.MUL, [b, x], [c], schema.MulOptionsT())
    graph.operator(OP.MINIMUM, [c, one], [y])
    graph.ends([x], [y])
    return builder.model


def _images() -> list[Array]:
    return [np.random.default_rng(5).normal(size=SHAPE).astype(np.float32) * 3]


@pytest.mark.parametrize("threads", [2, 3, 7])
@pytest.mark.parametrize("make", [_int8_chain, _float_chain])
def test_elementwise_operators_give_the_same_bits_on_any_threads(make: Any, threads: int) -> None:
    model, arrays = pack(make()), _images()
    expected = native(model, arrays)[0]
    np.testing.assert_array_equal(native(model, arrays, threads=threads)[0], expected)


def test_the_integer_chain_has_litert_s_bits() -> None:
    model, arrays = pack(_int8_chain()), _images()
    ours, theirs = native(model, arrays, threads=3)[0], litert(model, arrays)[0]
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("units", [3, 40, 1000])
def test_a_convolution_of_one_pixel_shares_its_output_channels(units: int) -> None:
    builder = ModelBuilder()
    graph = builder.graph("main")
    rng = np.random.default_rng(units)
    x = graph.tensor("x", [1, 1, 1, 70], np.int8, scale=[0.1], zero_point=[-4])
    y = graph.tensor("y", [1, 1, 1, units], np.int8, scale=[0.3], zero_point=[2])
    values = rng.integers(-127, 128, (units, 1, 1, 70))
    weights = graph.tensor("w", values.shape, np.int8, data=values, scale=[0.004])
    bias = graph.tensor("b", [units], np.int32, data=0, scale=[0.0004])
    options = schema.Conv2DOptionsT()
    options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
    graph.operator(OP.CONV_2D, [x, weights, bias], [y], options)
    graph.ends([x], [y])
    model = pack(builder.model)
    arrays: list[Array] = [rng.integers(-128, 128, (1, 1, 1, 70), np.int8)]
    expected = litert(model, arrays)[0]
    for threads in (1, 2, 5):
        np.testing.assert_array_equal(native(model, arrays, threads=threads)[0], expected)
