"""Embeddings with one scale for each row: every runtime reads the same floats out of them."""

from __future__ import annotations

import numpy as np
import pytest

import edgesdk
from edgesdk_quant.graph import to_bytes
from tests.quant.graph.written import model

pytestmark = pytest.mark.native
ROWS, WIDTH = 300, 16


@pytest.mark.parametrize("runtime", ["reference", "native", "litert"])
def test_rows_of_a_quantized_table_have_the_bits_of_onnx(runtime: str) -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(ROWS, WIDTH)) * rng.uniform(0.01, 10, (ROWS, 1))
    before = model(
        f"agraph (int64[N,5] x) => (float[N,5,{WIDTH}] y) {{ y = Gather(table, x) }}",
        table=table.astype(np.float32),
    )
    quantized = edgesdk.quantize(to_bytes(before), recipe="w8")
    indices = np.array([[0, 7, ROWS - 1, 7, 123]], np.int64)
    expected = edgesdk.Runner(quantized.to_bytes("onnx"), "onnxruntime")(indices)
    actual = edgesdk.Runner(quantized.to_bytes("tflite"), runtime)(indices)
    np.testing.assert_array_equal(actual, expected)
    assert len(quantized.to_bytes("tflite")) < 2 * table.size  # a byte for each weight, no copy
