"""Operators on one integer input have the bits of their rule and of LiteRT, over all 256 values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk_runtimes.base import Array
from tests.native import integer_rules as rules
from tests.native.integer_rules import Stored, f32
from tests.native.quantized import stored, tensor
from tests.native.running import largest_difference, litert, native
from tests.native.single_op import single_op_model

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Unary:
    """A table operator: its function, options, version, and how far LiteRT may be."""

    real: Callable[[Array], Array]
    options: Callable[[], object] | None = None
    version: int = 1
    kinds: tuple[str, ...] = ("int8", "uint8")
    positive: bool = False
    out: tuple[float, int] | None = None
    distance: int = 0


def erf(values: Array) -> Array:
    return np.array([math.erf(v) for v in values])


def leaky() -> schema.LeakyReluOptionsT:
    options = schema.LeakyReluOptionsT()
    options.alpha = 0.1
    return options


SIGNED = ("int8",)
UNARY = {
    "LOGISTIC": Unary(lambda v: 1 / (1 + np.exp(-v)), version=2, out=(1 / 256, -128)),
    "TANH": Unary(np.tanh, version=2, out=(1 / 128, 0)),
    "ELU": Unary(lambda v: np.where(v < 0, np.expm1(v), v), kinds=SIGNED),
    "GELU": Unary(lambda v: 0.5 * v * (1 + erf(v * math.sqrt(0.5))), schema.GeluOptionsT, 2),
    "EXP": Unary(np.exp, version=2, kinds=SIGNED),
    "LOG": Unary(np.log, version=2, kinds=SIGNED, positive=True),
    "RSQRT": Unary(lambda v: 1 / np.sqrt(v), version=2, kinds=SIGNED, positive=True, distance=1),
}


def table(unary: Unary, x: Stored, out: Stored) -> Array:
    """All 256 results by the rule."""
    low, high = rules.of(x.dtype)
    real = (x.centred(np.arange(low, high + 1)).astype(np.float32) * f32(x.scale)).astype(
        np.float64
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        result = unary.real(real).astype(np.float32) * (f32(1) / f32(out.scale))
    finite = np.nan_to_num(result, nan=0.0, posinf=1e9, neginf=-1e9)
    return out.clamp(np.rint(finite).astype(np.float64) + out.zero)


@pytest.mark.parametrize("name", UNARY)
@given(seed=seeds)
def test_a_table_operator_follows_its_rule_and_has_the_bits_of_litert(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    unary = UNARY[name]
    kind = str(rng.choice(unary.kinds))
    x = stored(kind, rng.uniform(0.01, 0.08), rng)
    if unary.positive:
        x = Stored(kind, x.scale, rules.of(kind)[0])
    out = stored(kind, rng.uniform(0.02, 0.08), rng)
    if unary.out is not None:
        out = Stored(kind, unary.out[0], unary.out[1] + (128 if kind == "uint8" else 0))
    low, high = rules.of(kind)
    values = np.arange(low, high + 1).astype(kind)[None]
    model = single_op_model(
        getattr(OP, name),
        unary.options() if unary.options else None,
        [tensor(values.shape, x)],
        [tensor(values.shape, out)],
        version=unary.version,
    )
    (ours,) = native(model, [values])
    assert np.array_equal(ours[0], table(unary, x, out))
    assert largest_difference(ours, litert(model, [values])[0]) <= unary.distance


CLIPPING = {
    "RELU": (0, math.inf, 2),
    "RELU6": (0, 6, 2),
    "RELU_N1_TO_1": (-1, 1, 1),
    "RELU_0_TO_1": (0, 1, 1),
    "ABS": (-math.inf, math.inf, 2),
}


@pytest.mark.parametrize("name", CLIPPING)
@given(seed=seeds)
def test_a_clipping_operator_follows_its_rule_and_has_the_bits_of_litert(
    name: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    low, high, version = CLIPPING[name]
    x = stored("int8", rng.uniform(0.01, 0.08), rng)
    out = stored("int8", x.scale * rng.uniform(0.3, 2), rng)
    values = np.arange(-128, 128).astype("int8")[None]
    centred = np.abs(x.centred(values)) if name == "ABS" else x.centred(values)
    ratio = float(f32(x.scale) / f32(out.scale))
    expected = out.clamp(rules.mulfix(centred, ratio) + out.zero, low, high)
    model = single_op_model(
        getattr(OP, name), None, [tensor((1, 256), x)], [tensor((1, 256), out)], version=version
    )
    assert np.array_equal(native(model, [values])[0], expected)
    assert np.array_equal(litert(model, [values])[0], expected)


@pytest.mark.parametrize(
    ("code", "options", "positive"),
    [(OP.LEAKY_RELU, leaky, False), (OP.SQRT, lambda: None, True)],
    ids=["leaky_relu", "sqrt"],
)
@given(seed=seeds)
def test_operators_with_a_rule_of_their_own_have_the_bits_of_litert(
    code: int, options: Callable[[], object], positive: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, out = stored("int8", rng.uniform(0.01, 0.08), rng), stored("int8", 0.04, rng)
    if positive:
        x = Stored("int8", x.scale, -128)
    values = np.arange(-128, 128).astype("int8")[None]
    model = single_op_model(
        code, options(), [tensor(values.shape, x)], [tensor(values.shape, out)], version=2
    )
    assert np.array_equal(native(model, [values])[0], litert(model, [values])[0])
