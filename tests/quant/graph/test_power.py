"""Powers with a constant exponent become plain operators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgesdk_quant.graph.power import simplify_powers
from tests.quant.graph.written import model, ops, rewritten


@pytest.mark.parametrize(
    ("exponent", "op"),
    [
        (np.float32(2), "Mul"),
        (np.int64(2), "Mul"),
        (np.float32(0.5), "Sqrt"),
        (np.int64(3), "Pow"),
        (np.ones((3, 1, 1), np.float32) * 2, "Pow"),
    ],
)
def test_the_operator(exponent: Any, op: str) -> None:
    shape = "3,2,3" if np.ndim(exponent) else "2,3"
    text = f"agraph (float[2,3] x) => (float[{shape}] y) {{ a = Abs(x) y = Pow(a, e) }}"
    after = rewritten(model(text, e=np.asarray(exponent)), simplify_powers)
    assert ops(after) == {"Abs": 1, op: 1}


def test_an_integer_exponent_gets_the_type_of_the_base() -> None:
    text = "agraph (float[2,3] x) => (float[2,3] y) { y = Pow(x, e) }"
    after = rewritten(model(text, e=np.array(3)), simplify_powers)
    power = next(iter(after.graph))
    assert power.inputs[0] is not None
    assert power.inputs[1] is not None
    assert power.inputs[0].dtype == power.inputs[1].dtype
