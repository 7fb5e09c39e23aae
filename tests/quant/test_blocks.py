"""How a graph is cut into blocks."""

from __future__ import annotations

from edgesdk_quant.blocks import partition
from edgesdk_quant.graph import load
from edgesdk_quant.placement import WeightSite
from tests.edgesdk.small_network import network
from tests.quant.graph.written import model, random

SITES = (WeightSite("stem", 1, 0), WeightSite("inner", 1, 0), WeightSite("classify", 1, 0))


def test_a_residual_stays_in_one_block() -> None:
    first, second, third = partition(load(network()).graph, SITES, layers=1)
    assert [site.node for site in first.sites] == ["stem"]
    assert second.inputs == ("r0",)
    assert {"residual", "residual_relu"} <= set(second.nodes)
    assert third.outputs == ("scores",)


def test_activations_stay_with_what_they_follow() -> None:
    blocks = partition(load(network()).graph, SITES, layers=1)
    assert blocks[0].nodes == ("stem", "stem_relu")


def test_blocks_follow_each_other_without_gaps() -> None:
    graph = load(network()).graph
    blocks = partition(graph, SITES, layers=2)
    assert [name for b in blocks for name in b.nodes] == [str(node.name) for node in graph]
    known = {"image"}
    for block in blocks:
        assert set(block.inputs) <= known
        known |= set(block.outputs)


def test_a_mask_that_every_layer_reads_joins_no_layers() -> None:
    layers = "".join(
        f"h{i} = MatMul(x{i}, w) m{i} = Mul(h{i}, mask) r{i} = Relu(m{i}) "
        f"n{i} = Neg(r{i}) s{i} = Add(n{i}, x{i}) x{i + 1} = Tanh(s{i}) "
        for i in range(20)
    )
    graph = model(
        f"agraph (float[2,4] x0, float[2,4] mask) => (float[2,4] x20) {{ {layers} }}",
        w=random(4, 4),
    ).graph
    for index, node in enumerate(graph):
        node.name = f"node{index}"
    sites = [WeightSite(str(node.name), 1, 1) for node in graph if node.op_type == "MatMul"]
    blocks = partition(graph, sites, layers=1)
    assert [len(block.sites) for block in blocks] == [1] * 20
    assert blocks[7].inputs == ("x7", "mask")
