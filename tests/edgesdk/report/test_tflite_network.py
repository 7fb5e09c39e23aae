"""A TFLite file as a network."""

from __future__ import annotations

import numpy as np

import edgesdk
from edgesdk.report.network import INPUT, OUTPUT
from edgesdk.report.tflite_network import tflite_network
from edgesdk_quant.tflite.model import Model, Operator, Quantization, Subgraph, Tensor
from edgesdk_quant.tflite.reader import read_model
from tests.edgesdk import small_network


def test_both_files_of_a_model_cost_the_same() -> None:
    quantized = edgesdk.quantize(small_network.network(), small_network.images(4))
    network = tflite_network(read_model(quantized.to_bytes("tflite")), "m", histograms=True)
    macs = {node.op: node.macs for node in network.nodes if node.macs}
    assert macs["FULLY_CONNECTED"] == 7 * 16
    assert sum(node.macs for node in network.nodes) == 64 * 16 * (27 + 144) + 112
    assert [node.op for node in network.nodes][:1] == [INPUT]
    assert [node.op for node in network.nodes][-1:] == [OUTPUT]


def half_weights() -> Model:
    """A convolution whose float16 weights are unpacked by a DEQUANTIZE."""
    tensors = (
        Tensor("x", "FLOAT32", (1, 4)),
        Tensor("half", "FLOAT16", (2, 4), np.ones((2, 4), np.float16)),
        Tensor("full", "FLOAT32", (2, 4)),
        Tensor("y/MatMul;y/BiasAdd", "FLOAT32", (1, 2)),
    )
    operators = (
        Operator("DEQUANTIZE", (1,), (2,)),
        Operator("FULLY_CONNECTED", (0, 2, -1), (3,)),
    )
    return Model((Subgraph("main", tensors, operators, (0,), (3,)),))


def test_unpacked_constants_are_drawn_with_their_reader() -> None:
    network = tflite_network(half_weights(), "half")
    assert [node.op for node in network.nodes] == [INPUT, "FULLY_CONNECTED", OUTPUT]
    (weight,) = network.nodes[1].constants
    assert (weight.dtype, weight.stored_bytes) == ("FLOAT16", 16)


def test_a_node_is_called_by_the_first_of_the_names_that_were_fused() -> None:
    assert tflite_network(half_weights(), "half").nodes[1].name == "y/MatMul"


def test_four_bits_take_half_a_byte() -> None:
    scheme = Quantization(np.array([0.5], np.float32), np.zeros(1, np.int64))
    weight = Tensor("w", "INT4", (2, 3), np.full((2, 3), -8, np.int8), scheme)
    tensors = (Tensor("x", "FLOAT32", (1, 3)), weight, Tensor("y", "FLOAT32", (1, 2)))
    operators = (Operator("FULLY_CONNECTED", (0, 1, -1), (2,)),)
    model = Model((Subgraph("main", tensors, operators, (0,), (2,)),))
    (constant,) = tflite_network(model, "m", histograms=True).nodes[1].constants
    assert constant.stored_bytes == 3
    assert constant.bins is not None
    assert constant.bins.low == -4


def test_names_that_a_file_gives_twice_are_numbered() -> None:
    tensors = (Tensor("t", "FLOAT32", (1,)), Tensor("t", "FLOAT32", (1,)))
    model = Model((Subgraph("main", tensors, (Operator("RELU", (0,), (1,)),), (0,), (1,)),))
    network = tflite_network(model, "m")
    assert network.nodes[1].inputs == ("t (0)",)
    assert network.nodes[1].outputs[0].name == "t (1)"


def test_other_subgraphs_are_counted() -> None:
    main = Subgraph("main", (), (), (), ())
    tensors = (Tensor("a", "FLOAT32", (1,)), Tensor("b", "FLOAT32", (1,)))
    body = Subgraph("body", tensors, (Operator("RELU", (0,), (1,)),), (0,), (1,))
    assert tflite_network(Model((main, body)), "m").notes == (
        "1 operators of other subgraphs are not drawn.",
    )
