"""Operators on two integer inputs have the bits of their rule and of LiteRT."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import ModelError
from tests.native import integer_rules as rules
from tests.native.integer_rules import Stored, f32
from tests.native.quantized import stored, tensor
from tests.native.running import litert, native, random_array
from tests.native.single_op import TensorDef, constant, single_op_model

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(["int8", "uint8"])
# Two input shapes that broadcast.
shapes = st.sampled_from(
    [
        ((3, 4, 5), (3, 4, 5)),
        ((2, 3, 4, 5), (5,)),
        ((2, 3, 4, 5), (2, 1, 1, 5)),
        ((2, 1, 4, 1), (2, 3, 1, 5)),
        ((7,), (1,)),
        ((1, 1), (3, 70)),
    ]
)


def added(sign: int, a: Array, b: Array, x: Stored, y: Stored, out: Stored) -> Array:
    ratios = [f32(x.scale) / f32(out.scale), f32(y.scale) / f32(out.scale)]
    shift = 20 - math.floor(math.log2(max(ratios)))
    first, second = (round(float(ratio) * 2.0**shift) for ratio in ratios)
    sums = x.centred(a) * first + y.centred(b) * second * sign + (1 << (shift - 1))
    return out.clamp((sums >> shift) + out.zero)


def multiplied(a: Array, b: Array, x: Stored, y: Stored, out: Stored) -> Array:
    scale = f32(f32(x.scale) * f32(y.scale)) / f32(out.scale)
    return out.clamp(rules.requantize(x.centred(a) * y.centred(b), np.asarray(scale), out))


@dataclass(frozen=True)
class Binary:
    """An operator, its options and its rule."""

    code: int
    options: Callable[[], object]
    rule: Callable[[Array, Array, Stored, Stored, Stored], Array]
    out_scale: float


BINARY = {
    "add": Binary(OP.ADD, schema.AddOptionsT, partial(added, 1), 0.05),
    "sub": Binary(OP.SUB, schema.SubOptionsT, partial(added, -1), 0.05),
    "mul": Binary(OP.MUL, schema.MulOptionsT, multiplied, 0.08),
}


@pytest.mark.parametrize("name", BINARY)
@given(seed=seeds, kind=kinds, pair=shapes)
def test_arithmetic_follows_its_rule_and_has_the_bits_of_litert(
    name: str, seed: int, kind: str, pair: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    rng = np.random.default_rng(seed)
    binary = BINARY[name]
    x, y = stored(kind, rng.uniform(0.01, 0.05), rng), stored(kind, rng.uniform(0.01, 0.05), rng)
    out = stored(kind, binary.out_scale * rng.uniform(0.5, 1.5), rng)
    a, b = (random_array(shape, kind, rng) for shape in pair)
    expected = binary.rule(a, b, x, y, out)
    model = single_op_model(
        binary.code,
        binary.options(),
        [tensor(a.shape, x), tensor(b.shape, y)],
        [tensor(expected.shape, out)],
        version=2,
    )
    assert np.array_equal(native(model, [a, b])[0], expected)
    assert np.array_equal(litert(model, [a, b])[0], expected)


@given(seed=seeds, kind=kinds, code=st.sampled_from([OP.MAXIMUM, OP.MINIMUM]), pair=shapes)
def test_extremes_of_stored_values_have_the_bits_of_litert(
    seed: int, kind: str, code: int, pair: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    rng = np.random.default_rng(seed)
    how = stored(kind, 0.05, rng)
    a, b = (random_array(shape, kind, rng) for shape in pair)
    expected = np.maximum(a, b) if code == OP.MAXIMUM else np.minimum(a, b)
    model = single_op_model(
        code, None, [tensor(a.shape, how), tensor(b.shape, how)], [tensor(expected.shape, how)]
    )
    assert np.array_equal(native(model, [a, b])[0], expected)


@given(seed=seeds)
def test_squared_difference_has_the_bits_of_litert(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = stored("int8", 0.02, rng), stored("int8", rng.uniform(0.005, 0.02), rng)
    out = stored("int8", rng.uniform(0.02, 0.1), rng)
    a, b = (random_array((1, 500), "int8", rng) for _ in range(2))
    model = single_op_model(
        OP.SQUARED_DIFFERENCE,
        None,
        [tensor(a.shape, x), tensor(b.shape, y)],
        [tensor(a.shape, out)],
        version=2,
    )
    assert np.array_equal(native(model, [a, b])[0], litert(model, [a, b])[0])


@given(seed=seeds, kind=kinds)
def test_prelu_has_the_bits_of_litert(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    x, slope = stored(kind, 0.02, rng), stored(kind, 0.005, rng)
    out = stored(kind, rng.uniform(0.01, 0.04), rng)
    image = random_array((2, 4, 5, 7), kind, rng)
    alpha = constant(
        random_array((1, 1, 7), kind, rng), kind, scale=(slope.scale,), zero_point=(slope.zero,)
    )
    model = single_op_model(
        OP.PRELU, None, [tensor(image.shape, x), alpha], [tensor(image.shape, out)]
    )
    assert np.array_equal(native(model, [image])[0], litert(model, [image])[0])


def test_a_shape_that_does_not_broadcast_is_refused() -> None:
    how = Stored("int8", 0.05, 0)
    model = single_op_model(
        OP.ADD, schema.AddOptionsT(), [tensor((3,), how), tensor((4,), how)], [tensor((4,), how)]
    )
    with pytest.raises(ModelError, match="broadcast"):
        native(model, [])


def test_division_by_zero_of_whole_numbers_is_an_error_and_not_a_crash() -> None:
    model = single_op_model(
        OP.FLOOR_DIV,
        None,
        [TensorDef((2,), "int32"), TensorDef((2,), "int32")],
        [TensorDef((2,), "int32")],
    )
    five, two = np.array([5, -5], np.int32), np.array([2, 2], np.int32)
    assert native(model, [five, two])[0].tolist() == [2, -3]
    with pytest.raises(ModelError, match="zero"):
        native(model, [five, np.zeros(2, np.int32)])
