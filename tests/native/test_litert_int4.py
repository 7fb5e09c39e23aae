"""LiteRT rounds convolutions with 4-bit weights twice: by which rule, and how far from ours."""

from __future__ import annotations

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk_runtimes.base import Array
from tests.native import integer_rules as rules
from tests.native.quantized import stored, tensor
from tests.native.running import litert, native, random_array
from tests.native.single_op import constant, single_op_model
from tests.native.test_int4_and_state import OPTIONS, SHAPES, with_int4

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
SAME = rules.Geometry(filter=(3, 3), stride=(1, 1), dilation=(1, 1), same=True)
seeds = st.integers(0, 2**32 - 1)


def product_ties_up(values: Array, real: float) -> Array:
    """`rules.mulfix` for factors below 1, but that ties of the second rounding go upwards."""
    fraction, exponent = np.frexp(real)
    high = rules.away(values * int(np.floor(fraction * 2**31 + 0.5)), 31, ties_up=True)
    return rules.away(high, -int(exponent), ties_up=True)


def sums(code: int, centred: Array, weights: Array) -> Array:
    wide = weights.astype(np.int64)
    if code == OP.FULLY_CONNECTED:
        return np.asarray(centred @ wide.T)
    if code == OP.CONV_2D:
        return rules.convolution(centred, wide, SAME)
    return rules.depthwise(centred, wide[0], SAME)


@pytest.mark.parametrize("code", SHAPES, ids=["conv", "depthwise", "fully_connected_odd"])
@given(seed=seeds)
def test_litert_rounds_twice_and_stays_within_one_of_ours(code: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    input_shape, weight_shape, axis, output_shape = SHAPES[code]
    x, out = stored("int8", 0.02, rng), stored("int8", 0.1, rng)
    weights = rng.integers(-8, 8, weight_shape).astype(np.int8)
    scale = rng.uniform(0.05, 0.2, weight_shape[axis]).astype(np.float32)
    bias = rng.integers(-3000, 3000, weight_shape[axis])
    image = random_array(input_shape, "int8", rng)
    model = single_op_model(
        code,
        OPTIONS[code](),
        [
            tensor(input_shape, x),
            constant(weights, scale=tuple(map(float, scale)), axis=axis),
            constant(bias, np.int32, scale=tuple(map(float, np.float32(x.scale) * scale))),
        ],
        [tensor(output_shape, out)],
        version=7,
    )
    theirs = litert(with_int4(model, 1), [image])[0].astype(int)
    ours = native(with_int4(model, 1), [image])[0].astype(int)
    assert np.abs(theirs - ours).max() <= 1

    exact = sums(code, x.centred(image), weights) + bias
    times = rules.mulfix if code == OP.DEPTHWISE_CONV_2D else product_ties_up
    reals = np.float64(x.scale) * scale.astype(np.float64) / np.float64(out.scale)
    rounded = np.stack([times(exact[..., c], r) for c, r in enumerate(reals)], axis=-1)
    assert np.array_equal(theirs, np.clip(rounded + out.zero, -128, 127))
