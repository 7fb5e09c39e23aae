"""Float activations, integer weights: LiteRT, native and numpy quantize them to the same bits."""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesdk_quant.reference.dynamic import fused_multiply_add
from edgesdk_quant.reference.runtime import ReferenceRuntime
from edgesdk_runtimes.base import Array
from tests.native.model_builder import ModelBuilder, pack
from tests.native.running import litert, native

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
seeds = st.integers(0, 2**32 - 1)


def _options(code: int, stride: int) -> Any:
    if code == OP.FULLY_CONNECTED:
        return schema.FullyConnectedOptionsT()
    depthwise = code == OP.DEPTHWISE_CONV_2D
    options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
    options.strideH = options.strideW = stride
    options.dilationHFactor = options.dilationWFactor = 1
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
    if depthwise:
        options.depthMultiplier = 1
    return options


def build(code: int, weights: Array, shapes: tuple[list[int], list[int]], stride: int) -> bytes:
    """One operator with float ends and int8 weights, a scale for each output channel."""
    rng = np.random.default_rng(weights.size)
    axis = 3 if code == OP.DEPTHWISE_CONV_2D else 0
    units = weights.shape[axis]
    builder = ModelBuilder()
    graph = builder.graph("main")
    x, y = graph.tensor("x", shapes[0]), graph.tensor("y", shapes[1])
    scale = np.asarray(rng.uniform(0.001, 0.01, units), np.float32).tolist()
    w = graph.tensor("w", weights.shape, np.int8, data=weights, scale=scale)
    graph.subgraph.tensors[w].quantization.quantizedDimension = axis
    bias = graph.tensor("b", [units], data=rng.normal(size=units))
    graph.operator(code, [x, w, bias], [y], _options(code, stride))
    graph.ends([x], [y])
    return pack(builder.model)


def agree_on(model: bytes, x: Array) -> None:
    expected = litert(model, [x])[0]
    for threads in (1, 3):
        np.testing.assert_array_equal(native(model, [x], threads=threads)[0], expected)
    np.testing.assert_array_equal(ReferenceRuntime().open(model).run([x])[0], expected)


def _signal(rng: np.random.Generator, shape: list[int]) -> Array:
    """Floats around any mean, so that zero points fall anywhere."""
    return np.asarray(rng.normal(rng.uniform(-2, 2), 1.0, shape), np.float32)


@given(seed=seeds)
@settings(deadline=None)
def test_fully_connected_has_litert_s_bits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, depth, units = (int(rng.integers(1, n)) for n in (40, 200, 300))
    weights = rng.integers(-127, 128, (units, depth))
    model = build(OP.FULLY_CONNECTED, weights, ([rows, depth], [rows, units]), 1)
    agree_on(model, _signal(rng, [rows, depth]))


@given(seed=seeds)
@settings(deadline=None)
def test_convolutions_have_litert_s_bits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, channels, units = (int(rng.integers(low, n)) for low, n in ((3, 12), (1, 20), (1, 40)))
    kernel, stride = int(rng.choice([1, 2, 3])), int(rng.choice([1, 2]))
    out = -(-size // stride)
    weights = rng.integers(-127, 128, (units, kernel, kernel, channels))
    ends = [1, size, size, channels], [1, out, out, units]
    agree_on(build(OP.CONV_2D, weights, ends, stride), _signal(rng, ends[0]))


@given(seed=seeds)
@settings(deadline=None)
def test_depthwise_convolutions_have_litert_s_bits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, channels = int(rng.integers(3, 12)), int(rng.integers(1, 20))
    kernel, stride = int(rng.choice([1, 3, 5])), int(rng.choice([1, 2]))
    out = -(-size // stride)
    weights = rng.integers(-127, 128, (1, kernel, kernel, channels))
    ends = [1, size, size, channels], [1, out, out, channels]
    agree_on(build(OP.DEPTHWISE_CONV_2D, weights, ends, stride), _signal(rng, ends[0]))


@pytest.mark.parametrize("value", [0.0, 3.0, -3.0, np.inf, np.nan])
def test_constant_and_broken_rows_do_no_harm(value: float) -> None:
    model = build(OP.FULLY_CONNECTED, np.ones((4, 8), np.int64), ([2, 8], [2, 4]), 1)
    x = np.array([[value] * 8, [1, 2, 3, 4, 5, 6, 7, 8]], np.float32)
    np.testing.assert_array_equal(native(model, [x])[0][1], litert(model, [x])[0][1])


@given(seed=seeds)
def test_the_emulated_fma_rounds_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, c = (rng.normal(size=50).astype(np.float32) for _ in range(3))
    c[::2] = -(a * b)[::2]  # cancellation leaves what the product's own rounding would lose
    exact = [
        np.float32(float(x) * float(y) + float(z)) if i % 2 == 0 else None
        for i, (x, y, z) in enumerate(zip(a, b, c, strict=True))
    ]
    ours = fused_multiply_add(a, b, c)
    assert all(e is None or e == o for e, o in zip(exact, ours, strict=True))
