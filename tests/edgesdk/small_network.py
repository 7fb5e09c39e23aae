"""A small float classifier and data for it: Conv, Relu, a residual Add, pooling, Gemm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edgesdk_runtimes.base import Array

SIDE = 8
CLASSES = 7


def network(seed: int = 0) -> bytes:
    """ONNX file: image float32 [batch, 3, 8, 8] -> scores [batch, 7]."""
    rng = np.random.default_rng(seed)

    def weights(name: str, *shape: int) -> TensorProto:
        values = rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
        return numpy_helper.from_array(values.astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["image", "w0", "b0"], ["c0"], "stem", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c0"], ["r0"], "stem_relu"),
        helper.make_node("Conv", ["r0", "w1", "b1"], ["c1"], "inner", pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c1", "r0"], ["sum"], "residual"),
        helper.make_node("Relu", ["sum"], ["r1"], "residual_relu"),
        helper.make_node("GlobalAveragePool", ["r1"], ["pooled"], "pool"),
        helper.make_node("Flatten", ["pooled"], ["flat"], "flatten"),
        helper.make_node("Gemm", ["flat", "w2", "b2"], ["scores"], "classify", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", CLASSES])],
        [
            *(weights("w0", 16, 3, 3, 3), weights("b0", 16)),
            *(weights("w1", 16, 16, 3, 3), weights("b1", 16)),
            *(weights("w2", CLASSES, 16), weights("b2", CLASSES)),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())


def images(count: int, seed: int = 1) -> Array:
    """float32 [count, 3, 8, 8], each with a mean of its own, so that classes differ."""
    rng = np.random.default_rng(seed)
    offsets = rng.normal(size=(count, 3, 1, 1))
    return (rng.normal(size=(count, 3, SIDE, SIDE)) + offsets).astype(np.float32)


def write(folder: Path, count: int = 24) -> tuple[Path, Path]:
    """Write float.onnx and images.npy; returns both paths."""
    model, data = folder / "float.onnx", folder / "images.npy"
    model.write_bytes(network())
    np.save(data, images(count))
    return model, data
