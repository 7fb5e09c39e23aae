"""How a graph is cut into blocks."""

from __future__ import annotations

from edgesdk_quant.blocks import partition
from edgesdk_quant.graph import load
from edgesdk_quant.placement import WeightSite
from tests.edgesdk.small_network import network

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
