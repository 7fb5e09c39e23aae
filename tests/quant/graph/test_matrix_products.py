"""Gemm becomes what runtimes take 4-bit blocks in."""

from __future__ import annotations

import numpy as np

from edgesdk_quant.graph import load, normalize, to_bytes
from edgesdk_quant.graph.matrix_products import write_matrix_products
from edgesdk_runtimes import runtime_named
from tests.edgesdk.small_network import images, network


def test_a_gemm_with_transposed_weights_becomes_a_product_and_a_sum() -> None:
    model, x = normalize(load(network())), images(1)
    write_matrix_products(model)
    assert [node.op_type for node in model.graph][-2:] == ["MatMul", "Add"]
    found = runtime_named("onnxruntime").open(to_bytes(model)).run([x])[0]
    expected = runtime_named("onnxruntime").open(network()).run([x])[0]
    assert np.allclose(found, expected, atol=1e-5)
