"""Weights in blocks: one recipe, three runtimes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import edgesdk
from edgesdk.fusion_audit import audit_onnxruntime
from edgesdk_runtimes import runtime_named
from edgesdk_runtimes.onnxruntime import optimized_model

DEPTH, UNITS = 64, 24


def linear() -> bytes:
    """x float32 [batch, 64] -> [batch, 24], as torch exports a Linear."""
    rng = np.random.default_rng(0)
    tensors = [
        numpy_helper.from_array(rng.normal(size=(UNITS, DEPTH)).astype(np.float32), "w"),
        numpy_helper.from_array(rng.normal(size=UNITS).astype(np.float32), "b"),
    ]
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "linear", transB=1)
    graph = helper.make_graph(
        [node],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", DEPTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", UNITS])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())


def test_onnxruntime_fuses_the_blocks() -> None:
    data = edgesdk.quantize(linear(), recipe="w4").to_bytes("onnx")
    fused = onnx.load_from_string(optimized_model(data))
    assert "MatMulNBits" in {node.op_type for node in fused.graph.node}
    assert str(audit_onnxruntime(data)) == "1/1 matmul in blocks"


@pytest.mark.native
def test_native_and_litert_compute_the_same_from_the_blocks() -> None:
    quantized = edgesdk.quantize(linear(), recipe="w4")
    x = np.random.default_rng(1).normal(size=(1, DEPTH)).astype(np.float32)
    exact = runtime_named("onnxruntime").open(linear()).run([x])[0]
    tflite = quantized.to_bytes("tflite")
    found = {r: runtime_named(r).open(tflite).run([x])[0] for r in ("native", "litert")}
    assert np.allclose(found["native"], found["litert"], rtol=1e-4, atol=1e-5)
    noise = np.square(found["native"] - exact).mean() / np.square(exact).mean()
    assert noise < 0.02
