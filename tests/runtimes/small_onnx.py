"""Small ONNX files for tests of adapters, as bytes."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, TensorProto, helper, numpy_helper


def scaled(batch: int | str = 1, features: int = 3) -> bytes:
    """y = 2 x, float32 [batch, features]."""
    shape = [batch, features]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "two"], ["y"], name="double")],
        "scaled",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.array(2, np.float32), "two")],
    )
    return _bytes(graph)


def added() -> bytes:
    """y = a + b and z = a - b, float32 [1, 2] each."""
    infos = {n: helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 2]) for n in "abyz"}
    nodes = [
        helper.make_node("Add", ["a", "b"], ["y"], name="add"),
        helper.make_node("Sub", ["a", "b"], ["z"], name="sub"),
    ]
    graph = helper.make_graph(nodes, "added", [infos["a"], infos["b"]], [infos["y"], infos["z"]])
    return _bytes(graph)


def unknown_operator() -> bytes:
    """A graph with an operator that no runtime has."""
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "xy"]
    node = helper.make_node("Frobnicate", ["x"], ["y"], domain="nowhere")
    return _bytes(helper.make_graph([node], "unknown", infos[:1], infos[1:]), "nowhere")


def failing_when_run() -> bytes:
    """A gather whose index is fed and can be out of range."""
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "i"], ["y"], name="look up")],
        "gather",
        [helper.make_tensor_value_info("i", TensorProto.INT64, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        [numpy_helper.from_array(np.arange(4, dtype=np.float32), "table")],
    )
    return _bytes(graph)


def _bytes(graph: GraphProto, *domains: str) -> bytes:
    imports = [helper.make_opsetid("", 21), *(helper.make_opsetid(d, 1) for d in domains)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    return bytes(model.SerializeToString())
