"""Layers as matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from edgesdk_quant.algorithms.layer_input import input_rows, moments, rows_of, weight_of
from edgesdk_runtimes import runtime_named

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("groups", [1, 3])
def test_rows_times_weights_are_the_convolution(groups: int) -> None:
    from onnx import TensorProto, helper, numpy_helper

    x = RNG.normal(size=(2, 6, 9, 8)).astype(np.float32)
    weight = RNG.normal(size=(9, 6 // groups, 3, 2)).astype(np.float32)
    attributes: dict[str, Any] = {
        "group": groups,
        "strides": [2, 1],
        "pads": [1, 0, 1, 2],
        "dilations": [1, 2],
    }
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], **attributes)],
        "conv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    expected = runtime_named("onnxruntime").open(model.SerializeToString()).run([x])[0]
    node = next(iter(ir.from_proto(model).graph))
    rows, kernels = input_rows(node, weight.shape, x), rows_of(node, weight, 0)
    product = np.einsum("grk,gok->rgo", rows.astype(np.float64), kernels).reshape(-1, 9)
    assert np.allclose(product, np.moveaxis(expected, 1, -1).reshape(-1, 9), atol=1e-4)
    assert np.array_equal(weight_of(kernels, weight.shape, 0), weight)


def test_moments_are_means_over_all_rows() -> None:
    node = ir.node("MatMul", [None, None])
    parts = [RNG.normal(size=(1, n, 4)).astype(np.float32) for n in (3, 5)]
    found = moments(node, (4, 7), parts)
    rows = np.concatenate([p.reshape(-1, 4) for p in parts]).astype(np.float64)
    assert found.rows == 8
    assert np.allclose(found.second[0], rows.T @ rows / 8)
    assert np.allclose(found.mean[0], rows.mean(axis=0))
