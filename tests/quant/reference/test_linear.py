"""Convolutions and matrix products of the numpy interpreter have LiteRT's results."""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest

from tests.native.running import random_array
from tests.native.single_op import TensorDef, constant, single_op_model
from tests.quant.reference.against_litert import assert_same

OP = schema.BuiltinOperator
RELU6 = schema.ActivationFunctionType.RELU6


def _options(kind: Any, **fields: Any) -> Any:
    options = kind()
    for name, value in fields.items():
        setattr(options, name, value)
    return options


CONV = {"strideH": 2, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 2}
# name -> operator, options, input, weights, channel axis, output
CASES: dict[str, tuple[int, Any, tuple[int, ...], tuple[int, ...], int, tuple[int, ...]]] = {
    "conv": (OP.CONV_2D, _options(schema.Conv2DOptionsT, **CONV),
             (2, 7, 9, 3), (5, 3, 3, 3), 0, (2, 4, 9, 5)),
    "pointwise conv with relu6": (
        OP.CONV_2D,
        _options(schema.Conv2DOptionsT, strideH=1, strideW=1, fusedActivationFunction=RELU6),
        (1, 4, 5, 8), (6, 1, 1, 8), 0, (1, 4, 5, 6)),
    "depthwise": (OP.DEPTHWISE_CONV_2D,
                  _options(schema.DepthwiseConv2DOptionsT, depthMultiplier=2, padding=1, strideH=1,
                           strideW=1),
                  (1, 6, 6, 4), (1, 3, 3, 8), 3, (1, 4, 4, 8)),
    "fully connected": (OP.FULLY_CONNECTED, schema.FullyConnectedOptionsT(),
                        (3, 20), (7, 20), 0, (3, 7)),
}  # fmt: skip


def _model(name: str, dtype: str, rng: np.random.Generator) -> bytes:
    code, options, image, filters, axis, output = CASES[name]
    units, floats = filters[axis], dtype == "float32"
    if floats:
        weights = constant(rng.normal(size=filters).astype(np.float32))
        bias = constant(rng.normal(size=units).astype(np.float32))
        return single_op_model(
            code, options, [TensorDef(image), weights, bias], [TensorDef(output)]
        )
    scales = tuple(rng.uniform(0.002, 0.02, units).astype(np.float32).tolist())
    zeros = (0, 0) if dtype == "int16" else (11, -20)
    weights = constant(rng.integers(-127, 128, filters), np.int8, scale=scales, axis=axis)
    wide = np.int64 if dtype == "int16" else np.int32
    biases = tuple(float(np.float32(0.02) * np.float32(s)) for s in scales)
    bias = constant(rng.integers(-500, 500, units), wide, scale=biases)
    return single_op_model(
        code,
        options,
        [TensorDef(image, dtype, None, (0.02,), (zeros[0],)), weights, bias],
        [TensorDef(output, dtype, None, (0.3 if dtype == "int8" else 0.002,), (zeros[1],))],
        version=3 if dtype == "int8" else 1,
    )


@pytest.mark.parametrize("dtype", ["float32", "int8", "int16"])
@pytest.mark.parametrize("name", CASES)
def test_a_linear_operator_is_litert(name: str, dtype: str) -> None:
    rng = np.random.default_rng(1)
    image = random_array(CASES[name][2], dtype, rng)
    assert_same(_model(name, dtype, rng), [image])


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_transpose_conv_is_litert(dtype: str) -> None:
    rng = np.random.default_rng(2)
    options = _options(schema.TransposeConvOptionsT, strideH=2, strideW=2)
    shape = constant([1, 8, 8, 4], np.int32)
    if dtype == "float32":
        weights = constant(rng.normal(size=(4, 3, 3, 2)).astype(np.float32))
        x, y = TensorDef((1, 4, 4, 2)), TensorDef((1, 8, 8, 4))
    else:
        weights = constant(rng.integers(-127, 128, (4, 3, 3, 2)), np.int8, scale=(0.01,) * 4)
        x = TensorDef((1, 4, 4, 2), np.int8, None, (0.02,), (5,))
        y = TensorDef((1, 8, 8, 4), np.int8, None, (0.2,), (-3,))
    model = single_op_model(OP.TRANSPOSE_CONV, options, [shape, weights, x], [y], version=2)
    assert_same(model, [random_array((1, 4, 4, 2), dtype, rng)])


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "int8", "int16"])
def test_batch_matmul_is_litert(dtype: str, transposed: bool) -> None:
    rng = np.random.default_rng(3)
    options = _options(schema.BatchMatMulOptionsT, adjY=transposed)
    zeros = {"float32": (), "int8": (7,), "int16": (0,)}[dtype]
    scale = () if dtype == "float32" else (0.01,)
    right = (2, 6, 5) if transposed else (2, 5, 6)
    model = single_op_model(
        OP.BATCH_MATMUL,
        options,
        [
            TensorDef((2, 4, 5), dtype, None, scale, zeros),
            TensorDef(right, dtype, None, scale, zeros),
        ],
        [TensorDef((2, 4, 6), dtype, None, tuple(9 * s for s in scale), zeros)],
    )
    sides = [random_array((2, 4, 5), dtype, rng), random_array(right, dtype, rng)]
    assert_same(model, sides)
