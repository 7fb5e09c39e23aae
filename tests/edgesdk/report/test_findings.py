"""What is known about each layer."""

from __future__ import annotations

from edgesdk.report.contents import BORDER, FLOAT, WEIGHTS
from edgesdk.report.findings import Findings, describe_layers, kept_float
from edgesdk.report.layers import group_layers
from edgesdk.report.network import Constant, Network, Node, Value
from tests.edgesdk.report import examples


def test_a_layer_has_the_result_of_its_activation_and_what_was_measured_there() -> None:
    _, conv, soft, _ = examples.report().layers
    assert (conv.op, conv.fused, conv.kind, conv.bits) == ("Conv", ("Relu",), "int8", "w8a8")
    assert conv.result is not None
    assert conv.result.name == "r"
    assert conv.result.grid == examples.GRID
    assert (conv.macs, conv.parameters, conv.stored_bytes) == (6912, 108, 108)
    assert conv.damage is not None
    assert conv.time is not None
    assert conv.activations is not None
    assert (soft.damage, soft.time, soft.activations) == (None, None, None)


def test_the_border_and_float_operators_are_told_apart() -> None:
    layers = examples.report().layers
    assert [layer.kind for layer in layers] == [BORDER, "int8", FLOAT, BORDER]
    assert layers[2].why_float == "target conv has no integer Softplus"


def test_what_stayed_float_is_grouped_by_reason() -> None:
    (kept,) = kept_float(examples.report().layers)
    assert kept.nodes == ("soft",)
    assert kept.reason == "target conv has no integer Softplus"


def test_a_result_that_is_quantized_for_its_reader_is_still_computed_in_float() -> None:
    """Softmax reads floats; that a Q follows does not make it an integer operator."""
    weight = Constant("w", "INT8", (2, 2), 4, 2)
    nodes = (
        Node("x", "Input", (), (Value("x", "FLOAT", (1, 2)),)),
        Node("m", "MatMul", ("x",), (Value("m", "FLOAT", (1, 2)),), (weight,)),
        Node("s", "Softmax", ("m",), (Value("s", "FLOAT", (1, 2), examples.GRID),)),
        Node("q", "QuantizeLinear", ("s",), (Value("q", "UINT8", (1, 2)),)),
    )
    network = Network("n", "onnx", nodes)
    layers = describe_layers(network, group_layers(network), Findings())
    assert [layer.kind for layer in layers] == [BORDER, WEIGHTS, FLOAT]
    assert [layer.bits for layer in layers] == ["", "w8", "float"]
