"""Which nodes make a layer."""

from __future__ import annotations

import edgesdk
from edgesdk.report.layers import edges_of, group_layers
from edgesdk.report.network import Network, Node, Value
from edgesdk.report.onnx_network import onnx_network
from tests.edgesdk import small_network


def node(op: str, inputs: str, output: str) -> Node:
    return Node(output, op, tuple(inputs.split()), (Value(output),))


def groups(*nodes: Node) -> list[list[str]]:
    network = Network("n", "onnx", nodes)
    return [[nodes[i].name for i in members] for members in group_layers(network).members]


def test_q_and_dq_belong_to_the_operator_whose_result_they_carry() -> None:
    assert groups(
        node("Input", "", "x"),
        node("QuantizeLinear", "x", "q"),
        node("DequantizeLinear", "q", "d"),
        node("Conv", "d", "c"),
        node("QuantizeLinear", "c", "cq"),
        node("DequantizeLinear", "cq", "cd"),
    ) == [["x", "q", "d"], ["c", "cq", "cd"]]


def test_an_activation_in_front_of_a_q_is_fused() -> None:
    assert groups(
        node("Input", "", "x"),
        node("Conv", "x", "c"),
        node("Relu", "c", "r"),
        node("QuantizeLinear", "r", "q"),
    ) == [["x"], ["c", "r", "q"]]


def test_an_activation_of_the_input_is_a_layer_of_its_own() -> None:
    nodes = (node("Input", "", "x"), node("Relu", "x", "r"), node("QuantizeLinear", "r", "q"))
    assert groups(*nodes) == [["x"], ["r", "q"]]


def test_an_activation_of_a_float_network_is_a_layer_of_its_own() -> None:
    nodes = (node("Input", "", "x"), node("Conv", "x", "c"), node("Relu", "c", "r"))
    assert groups(*nodes) == [["x"], ["c"], ["r"]]


def test_an_activation_is_not_fused_where_others_read_its_input() -> None:
    assert groups(
        node("Input", "", "x"),
        node("Conv", "x", "c"),
        node("Relu", "c", "r"),
        node("QuantizeLinear", "r", "q"),
        node("Add", "c q", "s"),
    ) == [["x"], ["c"], ["r", "q"], ["s"]]


def test_edges_between_layers_are_those_of_the_float_network() -> None:
    quantized = edgesdk.quantize(small_network.network(), small_network.images(4))
    network = onnx_network(quantized.model, "small")
    layers = group_layers(network)
    names = [network.nodes[members[0]].name for members in layers.members]
    found = {(names[a], names[b]) for a, b in layers.edges}
    assert ("stem", "inner") in found
    assert ("stem", "residual") in found
    assert ("inner", "residual") in found
    assert len(layers.edges) == len(set(layers.edges))
    assert len(edges_of(network.nodes)) > len(layers.edges)
