"""GELU written out with Erf or Tanh becomes one node."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.graph.gelu import fuse_gelu
from tests.quant.graph.written import model, ops, rewritten

ROOT, HALF, ONE = (np.array(v, np.float32) for v in (2**0.5, 0.5, 1.0))
WEIGHTS = {
    "root": ROOT,
    "inverse": 1 / ROOT,
    "half": HALF,
    "one": ONE,
    "three": np.array(3, np.float32),
    "cubic": np.array(0.044715, np.float32),
    "slope": np.array((2 / np.pi) ** 0.5, np.float32),
}
ERF = "d = Div(x, root) e = Erf(d) a = Add(e, one)"
SPELLINGS = (
    f"{ERF} m = Mul(x, a) y = Mul(m, half)",
    f"{ERF} m = Mul(x, half) y = Mul(m, a)",
    f"{ERF} m = Mul(a, half) y = Mul(x, m)",
    "d = Mul(x, inverse) e = Erf(d) a = Add(one, e) m = Mul(half, x) y = Mul(a, m)",
)
TANH = "k = Mul(p, cubic) s = Add(x, k) u = Mul(s, slope) t = Tanh(u) a = Add(t, one)"
TANH_SPELLINGS = (
    f"p = Pow(x, three) {TANH} m = Mul(x, half) y = Mul(m, a)",
    f"q = Mul(x, x) p = Mul(q, x) {TANH} m = Mul(a, half) y = Mul(x, m)",
)


@pytest.mark.parametrize("body", TANH_SPELLINGS)
def test_the_approximation_by_tanh_is_the_gelu_of_that_name(body: str) -> None:
    before = model(f"agraph (float[2,64] x) => (float[2,64] y) {{ {body} }}", **WEIGHTS)
    (node,) = rewritten(before, fuse_gelu).graph
    assert node.op_type == "Gelu"
    assert node.attributes.get_string("approximate") == "tanh"


@pytest.mark.parametrize("body", SPELLINGS)
def test_every_spelling_becomes_gelu(body: str) -> None:
    before = model(f"agraph (float[2,64] x) => (float[2,64] y) {{ {body} }}", **WEIGHTS)
    assert ops(rewritten(before, fuse_gelu)) == {"Gelu": 1}


@pytest.mark.parametrize(
    "body",
    [
        f"{ERF} m = Mul(x, a) y = Mul(m, one)",
        "d = Div(x, half) e = Erf(d) a = Add(e, one) m = Mul(x, a) y = Mul(m, half)",
        "d = Div(x, root) e = Erf(d) a = Add(e, half) m = Mul(x, a) y = Mul(m, half)",
        f"{ERF} m = Mul(a, a) y = Mul(m, half)",
        f"p = Mul(x, x) {TANH} m = Mul(x, half) y = Mul(m, a)",  # no cube
        f"q = Mul(x, x) p = Mul(q, q) {TANH} m = Mul(x, half) y = Mul(m, a)",
    ],
)
def test_another_formula_stays(body: str) -> None:
    before = model(f"agraph (float[2,64] x) => (float[2,64] y) {{ {body} }}", **WEIGHTS)
    assert "Gelu" not in ops(rewritten(before, fuse_gelu))
