"""Weights in blocks: one recipe, three runtimes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import edgesdk
from edgesdk.fusion_audit import audit_onnxruntime
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.recipe import Recipe
from edgesdk_quant.tflite.reader import read_model
from edgesdk_runtimes import runtime_named
from edgesdk_runtimes.onnxruntime import OnnxRuntime, optimized_model
from tests.quant.graph.written import model

DEPTH, UNITS = 64, 24


def linear(depth: int = DEPTH) -> bytes:
    """x float32 [batch, 64] -> [batch, 24], as torch exports a Linear."""
    rng = np.random.default_rng(0)
    tensors = [
        numpy_helper.from_array(rng.normal(size=(UNITS, depth)).astype(np.float32), "w"),
        numpy_helper.from_array(rng.normal(size=UNITS).astype(np.float32), "b"),
    ]
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "linear", transB=1)
    graph = helper.make_graph(
        [node],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", depth])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", UNITS])],
        tensors,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(made.SerializeToString())


def test_onnxruntime_fuses_the_blocks() -> None:
    data = edgesdk.quantize(linear(), recipe="w4").to_bytes("onnx")
    fused = onnx.load_from_string(optimized_model(data))
    assert "MatMulNBits" in {node.op_type for node in fused.graph.node}
    assert str(audit_onnxruntime(data)) == "1/1 matmul in blocks"


def test_blocks_with_zero_points_are_fused_too_and_tflite_says_what_it_lacks() -> None:
    recipe = Recipe.load("w4")
    recipe = replace(recipe, weights=replace(recipe.weights, symmetric=False))
    quantized = edgesdk.quantize(linear(), recipe=recipe)
    data = quantized.to_bytes("onnx")
    assert str(audit_onnxruntime(data)) == "1/1 matmul in blocks"
    fused = onnx.load_from_string(optimized_model(data)).graph.node
    product = next(node for node in fused if node.op_type == "MatMulNBits")
    assert product.input[3], "the zero points are an input of the fused product"
    with pytest.warns(UserWarning, match="Choose symmetric = true"):
        quantized.to_bytes("tflite")


@pytest.mark.native
def test_native_and_litert_compute_the_same_from_the_blocks() -> None:
    quantized = edgesdk.quantize(linear(), recipe="w4")
    x = np.random.default_rng(1).normal(size=(1, DEPTH)).astype(np.float32)
    exact = runtime_named("onnxruntime").open(linear()).run([x])[0]
    tflite = quantized.to_bytes("tflite")
    stored = [t for t in read_model(tflite).subgraphs[0].tensors if t.type == "INT4"]
    assert [t.quantization.block for t in stored if t.quantization] == [32]
    found = {r: runtime_named(r).open(tflite).run([x])[0] for r in ("native", "litert")}
    assert np.allclose(found["native"], found["litert"], rtol=1e-4, atol=1e-5)
    noise = np.square(found["native"] - exact).mean() / np.square(exact).mean()
    assert noise < 0.02


@pytest.mark.native
@pytest.mark.parametrize("rounding", ["nearest", "gptq"])
def test_data_makes_the_outputs_better_and_every_runtime_still_agrees(rounding: str) -> None:
    x = np.random.default_rng(1).normal(size=(256, DEPTH)).astype(np.float32)
    x[:, ::9] *= 12
    recipe = Recipe.load("w4")
    recipe = replace(
        recipe, algorithms=replace(recipe.algorithms, rounding=rounding, scaling="awq")
    )
    exact = runtime_named("onnxruntime").open(linear()).run([x])[0]
    noise = []
    for data in (None, x[:128]):
        tflite = edgesdk.quantize(linear(), data, recipe).to_bytes("tflite")
        found = edgesdk.Runner(tflite, "native")
        rows = np.concatenate([found(row[None]) for row in x[128:]])
        noise.append(np.square(rows - exact[128:]).mean())
        simulated = edgesdk.Runner(tflite, "reference")(x[:1])
        np.testing.assert_array_equal(simulated, found(x[:1]))
    assert noise[1] < 0.7 * noise[0]


def test_without_data_it_is_said_what_data_would_do() -> None:
    x = np.random.default_rng(1).normal(size=(64, DEPTH)).astype(np.float32)
    said = [edgesdk.quantize(linear(), data, "w4").report_text() for data in (None, x)]
    assert "Rounded to nearest, without calibration data" in said[0]
    assert "calibration" not in said[1]


def test_the_bias_behind_a_product_takes_its_mean_error_away() -> None:
    x = np.random.default_rng(1).normal(3, 1, size=(256, DEPTH)).astype(np.float32)
    recipe = Recipe.load("w4")
    exact = runtime_named("onnxruntime").open(linear()).run([x])[0]
    off = []
    for data in (None, x):
        made = edgesdk.quantize(linear(), data, recipe).to_bytes("onnx")
        found = OnnxRuntime().open(made, literal=True).run([x])[0]
        off.append(np.abs((found - exact).mean(axis=0)).max())
    assert off[1] < 0.01 * off[0]


def test_a_depth_that_no_block_divides_gets_eight_bits_a_channel_and_says_so() -> None:
    quantized = edgesdk.quantize(linear(depth=100), recipe="w4")
    assert (
        "blocks of 32 do not divide its depth of 100: 8 bits a channel" in quantized.report_text()
    )
    stored = [t.type for t in read_model(quantized.to_bytes("tflite")).subgraphs[0].tensors]
    assert "INT8" in stored


def test_the_next_smaller_block_is_taken_where_the_wanted_one_does_not_divide() -> None:
    recipe = Recipe.load("w4")
    recipe = replace(recipe, weights=replace(recipe.weights, block=128))
    tflite = edgesdk.quantize(linear(depth=192), recipe=recipe).to_bytes("tflite")
    found = [t.quantization for t in read_model(tflite).subgraphs[0].tensors if t.type == "INT4"]
    assert [q.block for q in found if q] == [64]


@pytest.mark.native
def test_blocks_behind_a_flattened_image_keep_the_columns_that_share_their_scales() -> None:
    weights = np.random.default_rng(0).normal(size=(UNITS, DEPTH)).astype(np.float32)
    weights *= np.repeat([1.0, 8.0], DEPTH // 2).astype(np.float32)
    source = model(
        """agraph (float[1,16,3,3] x) => (float[1,24] y) {
            image = MaxPool <kernel_shape = [2, 2]> (x) row = Flatten(image)
            y = Gemm <transB = 1> (row, w)
        }""",
        w=weights,
    )
    quantized = edgesdk.quantize(to_bytes(source), recipe="w4")
    x = np.random.default_rng(1).normal(size=(1, 16, 3, 3)).astype(np.float32)
    exact = runtime_named("onnxruntime").open(to_bytes(source)).run([x])[0]
    for runtime in ("native", "litert"):
        runner = edgesdk.Runner(quantized.to_bytes("tflite"), runtime, layout="source")
        assert np.square(runner(x) - exact).mean() < 0.02 * np.square(exact).mean()
