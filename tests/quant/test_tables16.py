"""Functions of int16 values: every one of the 65,536 arguments has LiteRT's bits."""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgesdk_quant import tables16
from edgesdk_runtimes.base import Array
from tests.native.running import largest_difference, litert, native
from tests.native.single_op import TensorDef, single_op_model
from tests.quant.reference.against_litert import interpret

ALL = np.arange(-(2**15), 2**15, dtype=np.int16).reshape(1, -1)
ODD_SCALES = [2**-12, 2**-12 * 1.0006, 2**-12 * 1.0008, 2**-11, 2**-10, 2**-14, 3e-4, 7.3e-3, 0.5]


def _gelu(approximate: bool) -> Any:
    options = schema.GeluOptionsT()
    options.approximate = approximate
    return options


SAMPLED = {
    "EXP": ("EXP", schema.ExpOptionsT(), ALL),
    "LOG": ("LOG", None, ALL),
    "RSQRT": ("RSQRT", None, np.maximum(ALL, 0)),
    "SQRT": ("SQRT", None, np.maximum(ALL, 0)),
    "GELU by tanh": ("GELU", _gelu(True), ALL),
}


def _model(code: str, options: Any, scale: float, out: float, shape: tuple[int, ...]) -> bytes:
    return single_op_model(
        getattr(schema.BuiltinOperator, code),
        options,
        [TensorDef(shape, np.int16, scale=(scale,))],
        [TensorDef(shape, np.int16, scale=(out,))],
    )


def _assert_all_agree(model: bytes, x: Array, at_most: int = 0) -> None:
    (theirs,) = litert(model, [x])
    assert largest_difference(interpret(model, [x])[0], theirs) <= at_most
    assert largest_difference(native(model, [x])[0], theirs) <= at_most


@pytest.mark.parametrize("scale", ODD_SCALES)
@pytest.mark.parametrize("code", ["LOGISTIC", "TANH"])
def test_sigmoid_and_tanh_are_litert_at_every_argument(code: str, scale: float) -> None:
    _assert_all_agree(_model(code, None, scale, 2**-15, ALL.shape), ALL)


@pytest.mark.parametrize("scales", [(2**-12, 2**-12), (3e-4, 5e-4), (1e-4, 1e-3), (0.01, 2e-4)])
@pytest.mark.parametrize("name", SAMPLED)
def test_sampled_functions_are_litert_at_every_argument(
    name: str, scales: tuple[float, float]
) -> None:
    code, options, x = SAMPLED[name]
    _assert_all_agree(_model(code, options, *scales, ALL.shape), x)


@pytest.mark.parametrize("scales", [(2**-12, 2**-12), (3e-4, 5e-4)])
def test_gelu_by_erf_is_litert_but_for_its_float_erf(scales: tuple[float, float]) -> None:
    """LiteRT's erff is off by one bit for some arguments: one step of the table, one unit."""
    _assert_all_agree(_model("GELU", _gelu(False), *scales, ALL.shape), ALL, at_most=1)


@settings(deadline=None, max_examples=30)
@given(
    rows=st.integers(1, 20),
    depth=st.integers(1, 200),
    scale=st.floats(1e-6, 0.02),
    beta=st.floats(0.1, 4),
    spread=st.integers(1, 30000),
    seed=st.integers(0, 2**32 - 1),
)
@example(rows=9, depth=37, scale=0.008208259241858614, beta=0.1, spread=1024, seed=15)
def test_softmax_is_litert(
    rows: int, depth: int, scale: float, beta: float, spread: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = np.clip(rng.normal(0, spread, (rows, depth)), -32768, 32767).astype(np.int16)
    options = schema.SoftmaxOptionsT()
    options.beta = beta
    _assert_all_agree(_model("SOFTMAX", options, scale, 2**-15, x.shape), x)


def test_a_sampled_table_meets_the_function_at_its_ends() -> None:
    table = tables16.sampled(lambda x: x, (1e-3, 1e-3))
    assert table[0] == -32768
    assert table[-1] == 32767
    assert np.abs(tables16.interpolate(table, ALL) - ALL).max() <= 1
