"""Rules are applied until none fits; a graph that needs none is left alone."""

from __future__ import annotations

import numpy as np

from edgesdk.export.legalization import legalize
from edgesdk.export.legalization.rules import OBSTACLE
from edgesdk_quant.graph import to_bytes
from tests.quant.graph.written import model, ops, random, run

LOWERED = frozenset({"Abs", "Add", "Div", "Exp", "Log", "Mul", "Neg", "Relu", "Tanh"})


def test_a_graph_that_needs_nothing_is_returned_as_it_is() -> None:
    graph = model("agraph (float[2,3] x) => (float[2,3] y) { a = Abs(x) y = Neg(a) }")
    before = to_bytes(graph)
    assert legalize(graph, LOWERED) is graph
    assert to_bytes(graph) == before


def test_what_a_rule_writes_is_itself_rewritten() -> None:
    """Mish is a function of Softplus, for which there is a rule that does not overflow."""
    graph = model("agraph (float[2,3] x) => (float[2,3] y) { y = Mish(x) }")
    feeds = {"x": random(2, 3) * 100}
    expected = run(graph, feeds)[0]
    after = legalize(graph, LOWERED)
    assert set(ops(after)) <= LOWERED
    assert [v.name for v in after.graph.outputs] == ["y"]
    np.testing.assert_allclose(run(after, feeds)[0], expected, rtol=1e-5, atol=1e-5)


def test_a_rule_that_cannot_says_why() -> None:
    text = "agraph (float[1] s, float[1] e) => (float[N] y) { a = Squeeze(s) y = Range(a, b, b) }"
    after = legalize(model(text, b=np.array(1, np.float32)), LOWERED | {"Squeeze"})
    node = next(node for node in after.graph if node.op_type == "Range")
    assert node.meta[OBSTACLE] == "its bounds are computed at run time"


def test_two_functions_in_one_graph_do_not_share_names() -> None:
    text = """agraph (float[2,3] x) => (float[2,3] y) {
        a = Mish(x) b = Mish(a) c = Softplus(b) d = HardSigmoid(c) y = Celu(d)
    }"""
    graph = model(text)
    feeds = {"x": random(2, 3)}
    expected = run(graph, feeds)[0]
    after = legalize(graph, LOWERED | {"Clip", "Elu"})
    np.testing.assert_allclose(run(after, feeds)[0], expected, rtol=1e-5, atol=1e-6)
    names = [node.name for node in after.graph]
    assert len(set(names)) == len(names)


def test_operators_without_a_rule_stay() -> None:
    graph = model("agraph (float[2,3] x) => (float[2,3] y) { m = RandomNormalLike(x) y = Mish(m) }")
    assert ops(legalize(graph, LOWERED))["RandomNormalLike"] == 1
