"""Integer operators refuse what they cannot compute exactly, in one sentence."""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest

from edgesdk_runtimes.errors import ModelError, UnsupportedError
from tests.native.integer_rules import Stored
from tests.native.quantized import tensor
from tests.native.running import native
from tests.native.single_op import TensorDef, constant, single_op_model

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
X = Stored("int8", 0.02, 3)
OUT = Stored("int8", 0.1, -7)


def conv(**changes: Any) -> bytes:
    """A 3x3 convolution of a 4x4 image; `changes` go to its options, weights or bias."""
    options = schema.Conv2DOptionsT()
    options.strideH = options.strideW = 1
    for name in set(changes) & set(vars(options)):
        setattr(options, name, changes[name])
    weights = changes.get("weights", constant(np.ones((2, 3, 3, 2), np.int8), scale=(0.01, 0.02)))
    bias = changes.get("bias", constant(np.zeros(2), np.int32))
    return single_op_model(
        OP.CONV_2D, options, [tensor((1, 4, 4, 2), X), weights, bias], [tensor((1, 4, 4, 2), OUT)]
    )


def test_the_unchanged_convolution_runs() -> None:
    assert native(conv(), [np.zeros((1, 4, 4, 2), np.int8)])[0].shape == (1, 4, 4, 2)


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "stride 0": ({"strideH": 0}, "stride 0"),
    "negative dilation": ({"dilationWFactor": -1}, "dilation -1"),
    "unknown padding": ({"padding": 7}, "padding number 7"),
    "unknown activation": ({"fusedActivationFunction": 9}, "fused activation number 9"),
    "channels": (
        {"weights": constant(np.ones((2, 3, 3, 3), np.int8), scale=(0.01,))},
        "input channels",
    ),
    "scales": (
        {"weights": constant(np.ones((2, 3, 3, 2), np.int8), scale=(0.01,) * 3, axis=1)},
        "weight scales",
    ),
    "biases": ({"bias": constant(np.zeros(3), np.int32)}, "3 biases"),
    "window": (
        {"padding": 1, "weights": constant(np.ones((2, 9, 9, 2), np.int8), scale=(0.01,))},
        "does not fit",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_convolution_is_named_and_explained(fault: str) -> None:
    changes, words = BROKEN[fault]
    with pytest.raises(ModelError, match=f"CONV_2D.*{words}"):
        native(conv(**changes), [])


def test_sums_that_could_leave_32_bits_are_refused() -> None:
    bias = constant(np.array([2**31 - 100, 0]), np.int32)
    with pytest.raises(UnsupportedError, match="overflow its accumulator in output channel 0"):
        native(conv(bias=bias), [])


def test_a_pool_that_changes_the_scale_is_refused() -> None:
    options = schema.Pool2DOptionsT()
    options.filterHeight = options.filterWidth = options.strideH = options.strideW = 1
    model = single_op_model(
        OP.MAX_POOL_2D, options, [tensor((1, 2, 2, 1), X)], [tensor((1, 2, 2, 1), OUT)]
    )
    with pytest.raises(UnsupportedError, match="same scale"):
        native(model, [])


@pytest.mark.parametrize("axis", [4, -5])
def test_a_reduction_over_an_axis_that_is_not_there_is_refused(axis: int) -> None:
    model = single_op_model(
        OP.MEAN,
        schema.ReducerOptionsT(),
        [tensor((1, 2, 2, 1), X), constant([axis], np.int32)],
        [tensor((1, 2, 1), OUT)],
    )
    with pytest.raises(ModelError, match="axis"):
        native(model, [])


def test_negative_padding_is_refused() -> None:
    model = single_op_model(
        OP.PAD,
        None,
        [tensor((2, 2), X), constant([[0, -1], [0, 0]], np.int32)],
        [tensor((2, 1), X)],
    )
    with pytest.raises(ModelError, match="pads dimension 0"):
        native(model, [])


def test_a_mirror_wider_than_the_image_is_refused() -> None:
    options = schema.MirrorPadOptionsT()
    model = single_op_model(
        OP.MIRROR_PAD,
        options,
        [tensor((2, 2), X), constant([[2, 0], [0, 0]], np.int32)],
        [tensor((4, 2), X)],
    )
    with pytest.raises(ModelError, match="mirrors"):
        native(model, [])


def test_a_softmax_without_beta_is_refused() -> None:
    options = schema.SoftmaxOptionsT()
    options.beta = float("nan")
    model = single_op_model(OP.SOFTMAX, options, [TensorDef((1, 3))], [TensorDef((1, 3))])
    with pytest.raises(ModelError, match="beta"):
        native(model, [])


def test_matrices_that_do_not_fit_are_refused() -> None:
    model = single_op_model(
        OP.BATCH_MATMUL,
        schema.BatchMatMulOptionsT(),
        [tensor((2, 3), X), tensor((4, 5), X)],
        [tensor((2, 5), OUT)],
    )
    with pytest.raises(ModelError, match="cannot multiply"):
        native(model, [])


INT16_OPERATORS: dict[str, tuple[int, object | None, int]] = {
    "EXP": (OP.EXP, None, 1),
    "RSQRT": (OP.RSQRT, None, 1),
    "SQUARED_DIFFERENCE": (OP.SQUARED_DIFFERENCE, None, 2),
    "MUL": (OP.MUL, schema.MulOptionsT(), 2),
    "BATCH_MATMUL": (OP.BATCH_MATMUL, schema.BatchMatMulOptionsT(), 2),
}


@pytest.mark.parametrize("name", INT16_OPERATORS)
def test_an_int16_tensor_with_a_zero_point_is_refused(name: str) -> None:
    """Less that zero point its values would leave int16, and tables that have an entry for each."""
    op, options, count = INT16_OPERATORS[name]
    inputs = [tensor((4, 4), Stored("int16", 0.001, -32768))] * count
    model = single_op_model(op, options, inputs, [tensor((4, 4), Stored("int16", 0.01, 0))])
    with pytest.raises(ModelError, match=f"{name}.*zero point 0 .* which has -32768"):
        native(model, [])
