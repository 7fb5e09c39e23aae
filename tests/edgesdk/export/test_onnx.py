"""The .onnx file: small, and the same graph when it is read again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

import edgesdk
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.recipe import Override, Recipe
from edgesdk_runtimes import runtime_named
from tests.edgesdk import small_network

MIXED = replace(Recipe.load("w4a8"), search=None, overrides=(Override("classify", weight_bits=8),))


@pytest.fixture(scope="module", params=[Recipe.load("w8a8"), MIXED], ids=["w8a8", "mixed"])
def quantized(request: pytest.FixtureRequest) -> edgesdk.Quantized:
    return edgesdk.quantize(small_network.network(), small_network.images(16), request.param)


def test_a_file_read_again_gives_the_same_files(quantized: edgesdk.Quantized) -> None:
    again = edgesdk.load(quantized.to_bytes("onnx"))
    assert again.to_bytes("onnx") == quantized.to_bytes("onnx")
    assert again.to_bytes("tflite") == quantized.to_bytes("tflite")


def test_what_is_left_out_changes_no_bit_on_onnx_runtime(quantized: edgesdk.Quantized) -> None:
    whole, small = to_bytes(quantized.model), quantized.to_bytes("onnx")
    assert len(small) < len(whole)
    image = small_network.images(1, seed=7)
    expected, found = (
        runtime_named("onnxruntime").open(data).run([image])[0] for data in (whole, small)
    )
    assert np.array_equal(expected, found)


def test_nothing_is_said_that_readers_find_out_themselves(quantized: edgesdk.Quantized) -> None:
    graph = onnx.load_from_string(quantized.to_bytes("onnx")).graph
    kinds = {t.name: t.data_type for t in graph.initializer}
    assert not graph.value_info
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            assert not node.name
        if kinds.get(node.input[0]) == onnx.TensorProto.INT32:
            assert len(node.input) == 2


def test_scales_of_biases_are_constants_where_nothing_has_four_bits() -> None:
    made = edgesdk.quantize(small_network.network(), small_network.images(16), "w8a8")
    graph = onnx.load_from_string(made.to_bytes("onnx")).graph
    assert "Mul" not in {node.op_type for node in graph.node}
