"""An open batch is closed in a copy."""

from __future__ import annotations

from edgesdk_quant.graph import value_shape
from edgesdk_quant.graph.batch import with_batch_of_one
from edgesdk_quant.graph.shapes import infer_shapes
from tests.quant.graph.written import model


def test_shapes_follow_the_closed_batch() -> None:
    before = model("agraph (float[N,3] x, float[4] k) => (float[N,3] y) { a = Abs(x) y = Neg(a) }")
    after = with_batch_of_one(before)
    infer_shapes(after)
    assert [value_shape(v) for v in after.graph.inputs] == [(1, 3), (4,)]
    assert value_shape(next(iter(after.graph)).outputs[0]) == (1, 3)
    assert value_shape(before.graph.inputs[0]) == (None, 3)
