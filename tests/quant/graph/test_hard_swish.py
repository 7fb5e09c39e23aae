"""HardSwish and HardSigmoid written out with Clip become one node."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.graph.hard_swish import fuse_hard_swish
from tests.quant.graph.written import model, ops, rewritten

WEIGHTS = {
    name: np.array(value, np.float32)
    for name, value in {"zero": 0, "three": 3, "six": 6, "sixth": 1 / 6, "five": 5}.items()
}
CLIP = "a = Add(x, three) c = Clip(a, zero, six)"


@pytest.mark.parametrize(
    ("body", "op"),
    [
        (f"{CLIP} m = Mul(x, c) y = Div(m, six)", "HardSwish"),
        (f"{CLIP} m = Mul(c, x) y = Mul(m, sixth)", "HardSwish"),
        (f"{CLIP} g = Div(c, six) y = Mul(x, g)", "HardSwish"),
        (f"{CLIP} y = Div(c, six)", "HardSigmoid"),
        ("g = HardSigmoid <alpha = 0.16666667, beta = 0.5> (x) y = Mul(g, x)", "HardSwish"),
    ],
)
def test_every_spelling_is_recognised(body: str, op: str) -> None:
    before = model(f"agraph (float[2,64] x) => (float[2,64] y) {{ {body} }}", **WEIGHTS)
    assert ops(rewritten(before, fuse_hard_swish)) == {op: 1}


@pytest.mark.parametrize(
    "body",
    [
        "a = Add(x, three) c = Clip(a, zero, five) m = Mul(x, c) y = Div(m, six)",
        "a = Add(x, five) c = Clip(a, zero, six) m = Mul(x, c) y = Div(m, six)",
        f"{CLIP} m = Mul(a, c) y = Div(m, six)",
        "g = HardSigmoid <alpha = 0.2, beta = 0.5> (x) y = Mul(g, x)",
    ],
)
def test_another_formula_stays(body: str) -> None:
    before = model(f"agraph (float[2,64] x) => (float[2,64] y) {{ {body} }}", **WEIGHTS)
    assert ops(rewritten(before, fuse_hard_swish)) == ops(before)
