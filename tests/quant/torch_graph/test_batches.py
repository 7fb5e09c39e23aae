"""Samples are joined only where a graph takes them so."""

from __future__ import annotations

import numpy as np

from edgesdk_quant.torch_graph import TorchGraph
from edgesdk_quant.torch_graph.batches import groups, joined, takes_batches
from tests.quant.graph.written import model, random

STATES = """agraph (float[2,1,3] s) => (float[1,3] y) {
    a = Gather(s, first) b = Gather(s, second) y = Add(a, b)
}"""


def test_layers_over_a_leading_batch_take_many_samples() -> None:
    graph = TorchGraph(model("agraph (float[1,3] x) => (float[1,4] y) { y = MatMul(x, w) }",
                             w=random(3, 4)))  # fmt: skip
    samples = {"x": [random(1, 3, seed=i) for i in range(3)]}
    assert takes_batches(graph, samples, ["y"])
    assert joined(samples, [2, 0])["x"].shape == (2, 3)
    assert groups([2, 0, 1], together=True) == [[2, 0, 1]]


def test_two_states_in_one_tensor_are_no_batch() -> None:
    graph = TorchGraph(model(STATES, first=np.array(0), second=np.array(1)))
    assert not takes_batches(graph, {"s": [random(2, 1, 3, seed=i) for i in range(3)]}, ["y"])
    assert groups([2, 0, 1], together=False) == [[2], [0], [1]]


def test_one_sample_is_computed_alone() -> None:
    graph = TorchGraph(model("agraph (float[1,3] x) => (float[1,3] y) { y = Relu(x) }"))
    assert not takes_batches(graph, {"x": [random(1, 3)]}, ["y"])
