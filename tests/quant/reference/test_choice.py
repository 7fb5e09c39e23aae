"""What chooses by index or condition: the numpy interpreter has LiteRT's results."""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest

from tests.native.single_op import TensorDef, constant, single_op_model
from tests.quant.reference.against_litert import assert_same, interpret

OP = schema.BuiltinOperator
RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 5)).astype(np.float32)


def _ints(value: Any) -> TensorDef:
    return constant(value, np.int32)


@pytest.mark.parametrize(
    ("axis", "batch", "indices", "shape"),
    [(0, 0, [2, 0], (2, 4, 5)), (-1, 0, [[1, 4], [0, 0]], (3, 4, 2, 2)),
     (1, 1, [[0, 3], [2, 2], [1, 0]], (3, 2, 5))],
)  # fmt: skip
def test_gather_is_litert(axis: int, batch: int, indices: Any, shape: tuple[int, ...]) -> None:
    options = schema.GatherOptionsT()
    options.axis, options.batchDims = axis, batch
    inputs = [TensorDef(X.shape), _ints(indices)]
    assert_same(single_op_model(OP.GATHER, options, inputs, [TensorDef(shape)]), [X])


def test_gather_nd_is_litert() -> None:
    inputs = [TensorDef(X.shape), _ints([[0, 1], [2, 3]])]
    options = schema.GatherNdOptionsT()
    assert_same(single_op_model(OP.GATHER_ND, options, inputs, [TensorDef((2, 5))]), [X])


def test_embedding_lookup_is_litert() -> None:
    table = constant(RNG.normal(size=(6, 3)).astype(np.float32))
    rows = np.array([5, 0, 2], np.int32)
    inputs = [TensorDef(rows.shape, np.int32), table]
    model = single_op_model(OP.EMBEDDING_LOOKUP, None, inputs, [TensorDef((3, 3))])
    assert_same(model, [rows])


@pytest.mark.parametrize("code", [OP.SELECT, OP.SELECT_V2])
def test_select_is_litert(code: int) -> None:
    choice = RNG.integers(0, 2, X.shape).astype(np.bool_)
    options: Any = schema.SelectOptionsT() if code == OP.SELECT else schema.SelectV2OptionsT()
    inputs = [TensorDef(X.shape, np.bool_), TensorDef(X.shape), TensorDef(X.shape)]
    model = single_op_model(code, options, inputs, [TensorDef(X.shape)])
    assert_same(model, [choice, X, -X])


def test_select_v2_broadcasts_its_condition() -> None:
    choice = np.array([[True], [False], [True], [False]])
    inputs = [TensorDef(choice.shape, np.bool_), TensorDef(X.shape), TensorDef(X.shape)]
    options = schema.SelectV2OptionsT()
    model = single_op_model(OP.SELECT_V2, options, inputs, [TensorDef(X.shape)])
    assert_same(model, [choice, X, -X])


def test_top_k_is_litert() -> None:
    x = RNG.integers(0, 5, (4, 9)).astype(np.float32)
    outputs = [TensorDef((4, 3)), TensorDef((4, 3), np.int32)]
    inputs = [TensorDef(x.shape), _ints(3)]
    assert_same(single_op_model(OP.TOPK_V2, schema.TopKV2OptionsT(), inputs, outputs), [x])


def test_one_hot_is_litert() -> None:
    options = schema.OneHotOptionsT()
    options.axis = -1
    indices = np.array([2, 0, -1, 7], np.int32)
    inputs = [TensorDef((4,), np.int32), _ints(3), constant(2.5, np.float32),
              constant(-1, np.float32)]  # fmt: skip
    model = single_op_model(OP.ONE_HOT, options, inputs, [TensorDef((4, 3))])
    assert_same(model, [indices])


def test_shape_rank_fill_and_range_say_what_numpy_says() -> None:
    options = schema.ShapeOptionsT()
    options.outType = schema.TensorType.INT32
    shape = single_op_model(OP.SHAPE, options, [TensorDef(X.shape)], [TensorDef((3,), np.int32)])
    np.testing.assert_array_equal(interpret(shape, [X])[0], X.shape)
    rank = single_op_model(OP.RANK, None, [TensorDef(X.shape)], [TensorDef((), np.int32)])
    assert interpret(rank, [X])[0] == X.ndim
    inputs = [_ints([2, 3]), constant(7, np.float32)]
    fill = single_op_model(OP.FILL, None, inputs, [TensorDef((2, 3))])
    np.testing.assert_array_equal(interpret(fill, [])[0], np.full((2, 3), 7, np.float32))
    inputs = [_ints(7), _ints(-3), _ints(-2)]
    numbers = single_op_model(OP.RANGE, None, inputs, [TensorDef((5,), np.int32)])
    np.testing.assert_array_equal(interpret(numbers, [])[0], np.arange(7, -3, -2))
