"""Element by element: the numpy interpreter has LiteRT's results."""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesdk_runtimes.base import Array
from tests.native.running import random_array
from tests.native.single_op import TensorDef, single_op_model
from tests.quant.reference.against_litert import assert_same, interpret

OP = schema.BuiltinOperator
OPTIONS: dict[str, Any] = {
    "ABS": schema.AbsOptionsT, "EXP": schema.ExpOptionsT, "GELU": schema.GeluOptionsT,
    "HARD_SWISH": schema.HardSwishOptionsT, "NEG": schema.NegOptionsT, "ADD": schema.AddOptionsT,
    "SQUARE": schema.SquareOptionsT, "SUB": schema.SubOptionsT, "MUL": schema.MulOptionsT,
    "DIV": schema.DivOptionsT, "MAXIMUM": schema.MaximumMinimumOptionsT,
    "MINIMUM": schema.MaximumMinimumOptionsT, "POW": schema.PowOptionsT,
    "SQUARED_DIFFERENCE": schema.SquaredDifferenceOptionsT, "LESS": schema.LessOptionsT,
    "EQUAL": schema.EqualOptionsT, "GREATER_EQUAL": schema.GreaterEqualOptionsT,
    "LEAKY_RELU": schema.LeakyReluOptionsT, "FLOOR_DIV": schema.FloorDivOptionsT,
    "FLOOR_MOD": schema.FloorModOptionsT, "QUANTIZE": schema.QuantizeOptionsT,
    "DEQUANTIZE": schema.DequantizeOptionsT, "CAST": schema.CastOptionsT,
}  # fmt: skip
FLOAT = ["ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "GELU", "HARD_SWISH", "LEAKY_RELU",
         "LOGISTIC", "NEG", "RELU", "RELU6", "RELU_N1_TO_1", "ROUND", "SIN", "SQUARE",
         "TANH"]  # fmt: skip
BYTES = ["ABS", "ELU", "EXP", "GELU", "LEAKY_RELU", "LOGISTIC", "RELU", "RELU6", "TANH"]
FIXED = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}


def _options(name: str) -> Any:
    options: Any = OPTIONS[name]() if name in OPTIONS else None
    if name == "LEAKY_RELU":
        options.alpha = 0.2
    return options


def _single(name: str, inputs: list[TensorDef], output: TensorDef) -> bytes:
    return single_op_model(getattr(OP, name), _options(name), inputs, [output])


@pytest.mark.parametrize("name", FLOAT)
def test_a_function_of_floats_is_litert(name: str) -> None:
    x = np.random.default_rng(0).normal(0, 3, (4, 33)).astype(np.float32)
    assert_same(_single(name, [TensorDef(x.shape)], TensorDef(x.shape)), [x])


@pytest.mark.parametrize("name", BYTES)
def test_a_function_of_bytes_is_litert_at_every_argument(name: str) -> None:
    x = np.arange(-128, 128, dtype=np.int8).reshape(1, -1)
    scale, zero = FIXED.get(name, (0.05, -9))
    model = _single(
        name,
        [TensorDef(x.shape, np.int8, None, (0.04,), (13,))],
        TensorDef(x.shape, np.int8, None, (scale,), (zero,)),
    )
    assert_same(model, [x])


@given(
    kind=st.sampled_from(["int8", "uint8"]),
    scale=st.floats(0.001, 0.5),
    ratio=st.floats(0.2, 4),
    zeros=st.tuples(st.integers(0, 255), st.integers(0, 255)),
)
@settings(deadline=None, max_examples=60)
def test_hard_swish_of_bytes_is_litert_at_every_argument(
    kind: str, scale: float, ratio: float, zeros: tuple[int, int]
) -> None:
    low = int(np.iinfo(kind).min)
    x = np.arange(low, low + 256).astype(kind).reshape(1, -1)
    model = _single(
        "HARD_SWISH",
        [TensorDef(x.shape, kind, None, (scale,), (zeros[0] + low,))],
        TensorDef(x.shape, kind, None, (scale * ratio,), (zeros[1] + low,)),
    )
    assert_same(model, [x])


def test_prelu_of_bytes_is_litert() -> None:
    rng = np.random.default_rng(1)
    x, alpha = random_array((1, 4, 4, 3), "int8", rng), random_array((1, 1, 3), "int8", rng)
    quantized = TensorDef(x.shape, np.int8, None, (0.03,), (4,))
    model = single_op_model(
        OP.PRELU,
        None,
        [quantized, TensorDef(alpha.shape, np.int8, alpha, (0.01,))],
        [quantized],
    )
    assert_same(model, [x])


@pytest.mark.parametrize("shapes", [((2, 3, 5), (2, 3, 5)), ((2, 3, 5), (5,)), ((2, 1, 5), (3, 1))])
@pytest.mark.parametrize(
    "name", ["ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"]
)
def test_a_function_of_two_floats_broadcasts_as_litert(
    name: str, shapes: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    rng = np.random.default_rng(2)
    a, b = (rng.normal(0, 2, shape).astype(np.float32) for shape in shapes)
    whole = np.broadcast_shapes(*shapes)
    model = _single(name, [TensorDef(a.shape), TensorDef(b.shape)], TensorDef(whole))
    assert_same(model, [a, b])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("name", ["ADD", "SUB", "MUL"])
def test_arithmetic_of_integers_is_litert(name: str, dtype: str) -> None:
    rng = np.random.default_rng(3)
    zeros = (0, 0, 0) if dtype == "int16" else (3, 20, 9)
    scales = (2e-4, 3e-4, 2e-3) if dtype == "int16" else (0.02, 0.03, 0.1)
    shape = (3, 40)
    tensors = [
        TensorDef(shape, dtype, None, (s,), (z,)) for s, z in zip(scales, zeros, strict=True)
    ]
    model = _single(name, tensors[:2], tensors[2])
    assert_same(model, [random_array(shape, dtype, rng) for _ in range(2)])


def test_integers_are_divided_towards_zero() -> None:
    tensors = [TensorDef((6,), "int32") for _ in range(3)]
    a, b = np.array([7, -7, 7, -7, 6, -6], np.int32), np.array([2, 2, -2, -2, 3, 3], np.int32)
    assert_same(_single("DIV", tensors[:2], tensors[2]), [a, b])


@pytest.mark.parametrize("name", ["LESS", "EQUAL", "GREATER_EQUAL"])
def test_comparisons_are_litert(name: str) -> None:
    rng = np.random.default_rng(4)
    a, b = (rng.integers(0, 3, (4, 5)).astype(np.float32) for _ in range(2))
    model = _single(name, [TensorDef((4, 5)), TensorDef((4, 5))], TensorDef((4, 5), np.bool_))
    assert_same(model, [a, b])


@pytest.mark.parametrize("name", ["FLOOR_DIV", "FLOOR_MOD"])
def test_whole_division_is_litert(name: str) -> None:
    a = np.array([[-7, 7, -7, 7, 0]], np.int32)
    b = np.array([[2, -2, -2, 2, 5]], np.int32)
    tensor = TensorDef(a.shape, np.int32)
    assert_same(_single(name, [tensor, tensor], tensor), [a, b])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_quantize_and_dequantize_are_litert(dtype: str) -> None:
    x = np.random.default_rng(5).normal(0, 2, (3, 50)).astype(np.float32)
    stored = TensorDef(x.shape, dtype, None, (0.03,), (0 if dtype == "int16" else 7,))
    model = _single("QUANTIZE", [TensorDef(x.shape)], stored)
    assert_same(model, [x])
    (q,) = interpret(model, [x])
    assert_same(_single("DEQUANTIZE", [stored], TensorDef(x.shape)), [q])


@pytest.mark.parametrize(
    ("array", "target"),
    [
        (np.array([-1.9, 2.9, 100.0], np.float32), np.int32),
        (np.array([0, 1, 300], np.int32), np.float32),
        (np.array([0, 1, 2], np.int32), np.bool_),
        (np.array([True, False, True]), np.float32),
    ],
)
def test_cast_is_litert(array: Array, target: type) -> None:
    model = _single("CAST", [TensorDef(array.shape, array.dtype)], TensorDef(array.shape, target))
    assert_same(model, [array])
