"""QUANTIZE and DEQUANTIZE have the bits of LiteRT."""

from __future__ import annotations

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.native import integer_rules as rules
from tests.native.integer_rules import Stored
from tests.native.quantized import stored, tensor
from tests.native.running import litert, native
from tests.native.single_op import TensorDef, single_op_model

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(["int8", "uint8"])


@given(seed=seeds, kind=st.sampled_from(["int8", "uint8", "int16"]))
def test_quantize_and_dequantize_have_the_bits_of_litert(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    how = stored(kind, rng.uniform(0.01, 0.1), rng)
    halves = (np.arange(-300, 300) + 0.5) * how.scale
    real = np.concatenate([rng.normal(0, 200 * how.scale, 2000), halves]).astype(np.float32)
    quantize = single_op_model(
        OP.QUANTIZE, None, [TensorDef(real.shape)], [tensor(real.shape, how)]
    )
    values = native(quantize, [real])[0]
    assert np.array_equal(values, litert(quantize, [real])[0])
    dequantize = single_op_model(
        OP.DEQUANTIZE, None, [tensor(real.shape, how)], [TensorDef(real.shape)], version=3
    )
    assert np.array_equal(native(dequantize, [values])[0], litert(dequantize, [values])[0])


def test_quantize_turns_nan_into_the_zero_point_and_saturates_infinities() -> None:
    how = Stored("int8", 0.5, 7)
    real = np.array([np.nan, np.inf, -np.inf, 0], np.float32)
    model = single_op_model(OP.QUANTIZE, None, [TensorDef((4,))], [tensor((4,), how)])
    assert native(model, [real])[0].tolist() == [7, 127, -128, 7]


@given(seed=seeds, source=kinds, target=st.sampled_from(["int8", "uint8", "int16"]))
def test_requantize_has_the_bits_of_litert(seed: int, source: str, target: str) -> None:
    """Where signedness changes, LiteRT's default kernels round ties otherwise."""
    rng = np.random.default_rng(seed)
    x, out = stored(source, 0.02, rng), stored(target, 0.02 * rng.uniform(0.3, 3), rng)
    low, high = rules.of(source)
    values = np.arange(low, high + 1).astype(source)
    model = single_op_model(
        OP.QUANTIZE, None, [tensor(values.shape, x)], [tensor(values.shape, out)], version=2
    )
    theirs = litert(model, [values], reference=source != target)[0]
    assert np.array_equal(native(model, [values])[0], theirs)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_dequantize_by_channel_has_the_bits_of_litert(axis: int) -> None:
    """What float operators with 8-bit weights read."""
    rng, shape = np.random.default_rng(axis), (3, 4, 5)
    scale = rng.uniform(0.001, 1, shape[axis]).astype(np.float32)
    values = rng.integers(-127, 128, shape).astype(np.int8)
    source = TensorDef(shape, np.int8, None, tuple(map(float, scale)), (), axis)
    model = single_op_model(OP.DEQUANTIZE, None, [source], [TensorDef(shape)], version=5)
    along = scale.reshape([-1 if d == axis else 1 for d in range(3)])
    actual = native(model, [values])[0]
    assert np.array_equal(actual, values.astype(np.float32) * along)
    assert np.array_equal(actual, litert(model, [values])[0])
