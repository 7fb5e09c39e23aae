"""Sum, Max and Min of any number of operands are written in pairs."""

from __future__ import annotations

import pytest

from edgesdk_quant.graph.variadic import pair_operands
from tests.quant.graph.written import model, ops, rewritten

SIGNATURE = "agraph (float[2,3] a, float[3] b, float[2,1] c, float[1] d) => (float[2,3] y)"


@pytest.mark.parametrize(("op", "pair"), [("Sum", "Add"), ("Max", "Max"), ("Min", "Min")])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_operands_are_paired(op: str, pair: str, count: int) -> None:
    operands = ", ".join("abcd"[:count])
    text = f"{SIGNATURE} {{ s = {op}({operands}) y = Neg(s) }}"
    after = rewritten(model(text), pair_operands)
    assert ops(after) == {pair: count - 1, "Neg": 1} if count > 1 else {"Neg": 1}
