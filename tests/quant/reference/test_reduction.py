"""Pools, reductions and softmax of the numpy interpreter have LiteRT's results."""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest

from tests.native.running import random_array
from tests.native.single_op import TensorDef, constant, single_op_model
from tests.quant.reference.against_litert import assert_same

OP = schema.BuiltinOperator


def _tensor(shape: tuple[int, ...], dtype: str, scale: float = 0.04, zero: int = 9) -> TensorDef:
    if dtype in ("float32", "int32", "int64", "bool"):
        return TensorDef(shape, dtype)
    return TensorDef(shape, dtype, None, (scale,), (0 if dtype == "int16" else zero,))


def _reducer(keep: bool) -> Any:
    options = schema.ReducerOptionsT()
    options.keepDims = keep
    return options


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16"])
@pytest.mark.parametrize("padding", [schema.Padding.SAME, schema.Padding.VALID])
@pytest.mark.parametrize("code", [OP.AVERAGE_POOL_2D, OP.MAX_POOL_2D])
def test_a_pool_is_litert(code: int, padding: int, dtype: str) -> None:
    options = schema.Pool2DOptionsT()
    options.filterHeight, options.filterWidth, options.strideH, options.strideW = 3, 2, 2, 1
    options.padding = padding
    out = (1, 4, 6, 5) if padding == schema.Padding.SAME else (1, 3, 5, 5)
    model = single_op_model(code, options, [_tensor((1, 7, 6, 5), dtype)], [_tensor(out, dtype)])
    assert_same(model, [random_array((1, 7, 6, 5), dtype, np.random.default_rng(0))])


@pytest.mark.parametrize("dtype", ["float32", "int8", "int16"])
@pytest.mark.parametrize("axes", [(1, 2), (-1,), (0, 3)])
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("code", [OP.MEAN, OP.SUM])
def test_mean_and_sum_are_litert(code: int, keep: bool, axes: tuple[int, ...], dtype: str) -> None:
    shape = (2, 5, 6, 8)
    x = random_array(shape, dtype, np.random.default_rng(1))
    out = np.zeros(shape).sum(axis=axes, keepdims=keep).shape
    scale = 0.04 if code == OP.MEAN else 0.9
    model = single_op_model(
        code,
        _reducer(keep),
        [_tensor(shape, dtype), constant(axes, np.int32)],
        [_tensor(out, dtype, scale, -3)],
    )
    assert_same(model, [x])


@pytest.mark.parametrize("dtype", ["float32", "int8"])
@pytest.mark.parametrize("code", [OP.REDUCE_MAX, OP.REDUCE_MIN])
def test_extremes_are_litert(code: int, dtype: str) -> None:
    x = random_array((3, 4, 5), dtype, np.random.default_rng(2))
    model = single_op_model(
        code, _reducer(False), [_tensor(x.shape, dtype), constant([1], np.int32)],
        [_tensor((3, 5), dtype)],
    )  # fmt: skip
    assert_same(model, [x])


@pytest.mark.parametrize("code", [OP.REDUCE_ANY, OP.REDUCE_ALL])
def test_any_and_all_are_litert(code: int) -> None:
    x = np.random.default_rng(3).integers(0, 2, (6, 3)).astype(np.bool_)
    model = single_op_model(
        code, _reducer(False), [_tensor(x.shape, "bool"), constant([1], np.int32)],
        [_tensor((6,), "bool")],
    )  # fmt: skip
    assert_same(model, [x])


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
@pytest.mark.parametrize("code", [OP.SOFTMAX, OP.LOG_SOFTMAX])
def test_softmax_and_its_logarithm_are_litert(code: int, dtype: str) -> None:
    options: Any = schema.LogSoftmaxOptionsT()
    scale, zero = 16 / 256, 127
    if code == OP.SOFTMAX:
        options = schema.SoftmaxOptionsT()
        options.beta = 1.5
        scale, zero = 1 / 256, -128
    zero += 128 if dtype == "uint8" else 0
    x = random_array((40, 17), dtype, np.random.default_rng(4))
    model = single_op_model(
        code, options, [_tensor(x.shape, dtype)], [_tensor(x.shape, dtype, scale, zero)]
    )
    assert_same(model, [x])


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_l2_normalization_is_litert(dtype: str) -> None:
    x = random_array((30, 12), dtype, np.random.default_rng(5))
    model = single_op_model(
        OP.L2_NORMALIZATION,
        schema.L2NormOptionsT(),
        [_tensor(x.shape, dtype)],
        [_tensor(x.shape, dtype, 1 / 128, 0)],
    )
    assert_same(model, [x])


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_cumsum_is_litert(exclusive: bool, reverse: bool) -> None:
    options = schema.CumsumOptionsT()
    options.exclusive, options.reverse = exclusive, reverse
    x = np.random.default_rng(6).integers(-9, 9, (3, 7)).astype(np.int32)
    inputs = [_tensor(x.shape, "int32"), constant(1, np.int32)]
    assert_same(single_op_model(OP.CUMSUM, options, inputs, [_tensor(x.shape, "int32")]), [x])


@pytest.mark.parametrize("name", ["ARG_MAX", "ARG_MIN"])
def test_the_first_extreme_is_litert(name: str) -> None:
    options = getattr(schema, {"ARG_MAX": "ArgMax", "ARG_MIN": "ArgMin"}[name] + "OptionsT")()
    options.outputType = schema.TensorType.INT32
    x = np.random.default_rng(7).integers(0, 4, (5, 9)).astype(np.float32)
    inputs = [_tensor(x.shape, "float32"), constant(1, np.int32)]
    model = single_op_model(getattr(OP, name), options, inputs, [_tensor((5,), "int32")])
    assert_same(model, [x])
