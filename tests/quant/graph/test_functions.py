"""Operators that the standard defines as functions are written out."""

from __future__ import annotations

import pytest

from edgesdk_quant.graph.functions import expand_functions
from edgesdk_quant.graph.shapes import infer_shapes
from tests.quant.graph.written import model, ops, run


@pytest.mark.parametrize(
    "body",
    ["Mish(x)", "HardSigmoid(x)", "Shrink <lambd=0.1> (x)", "Celu <alpha=2.0> (x)", "Selu(x)"],
)
def test_the_results_stay(body: str) -> None:
    before = model(f"agraph (float[2,3] x) => (float[2,3] y) {{ y = {body} }}")
    name = body.partition("(")[0].split()[0]
    after = expand_functions(before, {name})
    infer_shapes(after)
    assert ops(after)[name] == 0
    assert abs(run(after)[0] - run(before)[0]).max() < 1e-6


def test_others_stay_as_they_are() -> None:
    before = model("agraph (float[2,3] x) => (float[2,3] y) { m = Mish(x) y = Atan(m) }")
    assert expand_functions(before, {"Atan", "Neg"}) is before
    after = expand_functions(before, {"Mish", "Atan"})
    assert ops(after)["Atan"] == 1
    assert ops(before) == {"Mish": 1, "Atan": 1}
