"""An ONNX graph as a network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

import edgesdk
from edgesdk.artifact import Artifact
from edgesdk.capture import capture
from edgesdk.report.network import INPUT, OUTPUT, Network
from edgesdk.report.onnx_network import load_with_shapes, onnx_network
from edgesdk_quant.graph import load
from edgesdk_quant.recipe import Algorithms, Recipe
from tests.edgesdk import small_network
from tests.quant.graph.written import model, random


def network(**options: bool) -> Network:
    quantized = edgesdk.quantize(small_network.network(), small_network.images(4))
    return onnx_network(quantized.model, "small", **options)


def test_the_border_is_drawn_and_stored_weights_are_not_nodes() -> None:
    ops = [node.op for node in network().nodes]
    assert (ops[0], ops[-1]) == (INPUT, OUTPUT)
    assert ops.count("Conv") == 2
    assert ops.count("QuantizeLinear") == ops.count("DequantizeLinear")


def test_scales_that_a_file_says_as_products_are_no_layers() -> None:
    four = replace(Recipe.load("w4a8"), search=None, algorithms=Algorithms())
    quantized = edgesdk.quantize(small_network.network(), small_network.images(4), four)
    artifact = Artifact("model.onnx", "onnx", quantized.to_bytes("onnx"))
    found = onnx_network(load_with_shapes(artifact), "small", histograms=True)
    assert "Mul" in {node.op_type for node in load(artifact.data).graph}
    assert "Mul" not in {node.op for node in found.nodes}
    (stem,) = (node for node in found.nodes if node.name == "stem")
    weight, bias = stem.constants
    assert (weight.dtype, bias.dtype, bias.scales) == ("INT4", "INT32", 16)
    assert bias.bins is not None
    assert -10 < bias.bins.low < bias.bins.high < 10  # real values, not the stored integers


def test_a_weight_is_shown_as_it_is_stored() -> None:
    (stem,) = (node for node in network().nodes if node.name == "stem")
    weight, bias = stem.constants
    assert (weight.dtype, weight.shape, weight.scales) == ("INT8", (16, 3, 3, 3), 16)
    assert weight.stored_bytes == weight.size == 16 * 27
    assert (bias.dtype, bias.stored_bytes) == ("INT32", 64)
    assert stem.macs == 8 * 8 * 16 * 27


def test_operations_are_counted_where_an_open_batch_was_folded_into_another_dimension() -> None:
    text = """agraph (float[N,5,4] x) => (float[M,3] y) <int64[2] shape = {-1, 4}> {
        rows = Reshape(x, shape) y = Gemm(rows, w)
    }"""
    found = onnx_network(capture(model(text, w=random(4, 3))), "rows")
    (gemm,) = (node for node in found.nodes if node.op == "Gemm")
    assert gemm.macs == 5 * 4 * 3


def test_histograms_count_real_values() -> None:
    (stem,) = (node for node in network(histograms=True).nodes if node.name == "stem")
    bins = stem.constants[0].bins
    assert bins is not None
    assert sum(bins.counts) == 16 * 27
    exact = next(
        numpy_helper.to_array(t)
        for t in ModelProto.FromString(small_network.network()).graph.initializer
        if t.name == "w0"
    )
    assert bins.low == pytest.approx(float(exact.min()), rel=0.02)
    assert bins.high == pytest.approx(float(exact.max()), rel=0.02)


def test_a_value_carries_the_range_of_its_grid() -> None:
    (relu,) = (node for node in network().nodes if node.name == "stem_relu")
    grid = relu.outputs[0].grid
    assert grid is not None
    assert grid.dtype == "UINT8"
    assert grid.low == 0
    assert grid.high == pytest.approx(255 * grid.scale)


def test_blocks_of_weights_have_their_own_scales() -> None:
    """Weights [4, 2] in blocks of 2 along axis 0: rows 0 and 1 share a scale, rows 2 and 3 too."""
    stored = numpy_helper.from_array(np.ones((4, 2), np.int8), "w")
    scale = numpy_helper.from_array(np.array([[1, 2], [3, 4]], np.float32), "s")
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["d"], axis=0, block_size=2),
        helper.make_node("MatMul", ["x", "d"], ["y"], "product"),
    ]
    border = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])
        for name, size in (("x", 4), ("y", 2))
    ]
    graph = helper.make_graph(nodes, "g", border[:1], border[1:], [stored, scale])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    found = onnx_network(load(model.SerializeToString()), "blocks", histograms=True)
    (product,) = (node for node in found.nodes if node.op == "MatMul")
    bins = product.constants[0].bins
    assert product.constants[0].scales == 4
    assert bins is not None
    assert (bins.low, bins.high, sum(bins.counts)) == (1, 4, 8)


def test_weights_that_old_files_list_as_inputs_are_weights() -> None:
    model = ModelProto.FromString(small_network.network())
    model.graph.input.extend(
        helper.make_tensor_value_info(t.name, TensorProto.FLOAT, list(t.dims))
        for t in model.graph.initializer
    )
    found = onnx_network(load(model.SerializeToString()), "old")
    assert [node.name for node in found.nodes if node.op == INPUT] == ["image"]
    assert sum(c.size for node in found.nodes for c in node.constants) == 432 + 16 + 2304 + 16 + 119
