"""New nodes take the place of an old one, under its name at the outputs of the graph."""

from __future__ import annotations

import numpy as np

from edgesdk.export.legalization.composer import Composer
from tests.quant.graph.written import model, ops, run


def test_operands_become_constants_of_their_kind() -> None:
    graph = model("agraph (float[2,3] x) => (float[2,3] y) { y = Neg(x) }")
    (node,) = graph.graph
    write = Composer(graph, node)
    moved = write("Reshape", write("Mul", node.inputs[0], -1.0), [2, 3])
    write.replace(write("Add", moved, np.zeros((1, 3), np.float32)))
    assert ops(graph) == {"Mul": 1, "Reshape": 1, "Add": 1}
    feeds = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}
    np.testing.assert_array_equal(run(graph, feeds)[0], -feeds["x"])
    assert graph.graph.outputs[0].name == "y"


def test_an_input_that_becomes_an_output_is_copied() -> None:
    graph = model("agraph (float[2] x) => (float[2] y) { y = Abs(x) }")
    (node,) = graph.graph
    write = Composer(graph, node)
    assert node.inputs[0] is not None
    write.replace(node.inputs[0])
    assert ops(graph) == {"Identity": 1}
    assert [v.name for v in graph.graph.outputs] == ["y"]


def test_nested_graphs_are_inlined_for_their_arguments() -> None:
    text = """agraph (float[2] x) => (float[2] y) {
        y = Loop (n, go, x) <body = turn (int64 i, bool c, float[2] s)
            => (bool c2, float[2] s2) { c2 = Identity(c) s2 = Add(s, x) }>
    }"""
    graph = model(text, n=np.array(2), go=np.array(True))
    (node,) = graph.graph
    write, state = Composer(graph, node), node.inputs[2]
    for _ in range(2):
        state = write.inline(
            node.attributes["body"].as_graph(), [np.array(0), np.array(True), state]
        )[1]
    assert state is not None
    write.replace(state)
    feeds = {"x": np.array([1, 2], np.float32)}
    np.testing.assert_array_equal(run(graph, feeds)[0], 3 * feeds["x"])
