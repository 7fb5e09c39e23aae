"""Embeddings with a scale for each row or block: every runtime reads the same floats from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import edgesdk
from edgesdk.fusion_audit import audit_onnxruntime
from edgesdk.quantized import Quantized
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.recipe import Recipe
from tests.quant.graph.written import model

pytestmark = pytest.mark.native
ROWS, WIDTH = 300, 64
W4 = Recipe.load("w4")
RECIPES = {
    "int8 rows": Recipe.load("w8"),
    "int4 blocks": W4,
    "int4 rows": replace(W4, weights=replace(W4.weights, granularity="channel")),
}
# Bytes of a weight in the file, scales included.
MOST = {"int8 rows": 1.2, "int4 blocks": 0.65, "int4 rows": 0.65}


def quantized(recipe: Recipe, width: int = WIDTH) -> Quantized:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(ROWS, width)) * rng.uniform(0.01, 10, (ROWS, 1))
    before = model(
        f"agraph (int64[N,5] x) => (float[N,5,{width}] y) {{ y = Gather(table, x) }}",
        table=table.astype(np.float32),
    )
    return edgesdk.quantize(to_bytes(before), recipe=recipe)


RUNTIMES = ("reference", "native", "litert")


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("kind", RECIPES)
def test_rows_of_a_quantized_table_have_the_bits_of_onnx(runtime: str, kind: str) -> None:
    table = quantized(RECIPES[kind])
    indices = np.array([[0, 7, ROWS - 1, 7, 123]], np.int64)
    expected = edgesdk.Runner(table.to_bytes("onnx"), "onnxruntime")(indices)
    actual = edgesdk.Runner(table.to_bytes("tflite"), runtime)(indices)
    np.testing.assert_array_equal(actual, expected)
    assert len(table.to_bytes("tflite")) < MOST[kind] * ROWS * WIDTH + 3000


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_int4_rows_of_odd_width_are_right_everywhere(runtime: str) -> None:
    table = quantized(RECIPES["int4 rows"], width=33)
    indices = np.array([[0, 7, ROWS - 1, 7, 123]], np.int64)
    expected = edgesdk.Runner(table.to_bytes("onnx"), "onnxruntime")(indices)
    actual = edgesdk.Runner(table.to_bytes("tflite"), runtime)(indices)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("kind", RECIPES)
def test_onnxruntime_looks_up_stored_rows_and_the_file_gives_the_graph_back(kind: str) -> None:
    table = quantized(RECIPES[kind])
    data, indices = table.to_bytes("onnx"), np.array([[0, 7, ROWS - 1, 7, 123]], np.int64)
    assert str(audit_onnxruntime(data)) == "1/1 lookup of stored rows"
    assert str(audit_onnxruntime(to_bytes(table.model))) == "0/1 lookup of stored rows"
    plain = edgesdk.Runner(to_bytes(table.model), "onnxruntime")(indices)
    np.testing.assert_array_equal(edgesdk.Runner(data, "onnxruntime")(indices), plain)
    again = edgesdk.load(data)
    assert again.to_bytes("onnx") == data
    assert again.to_bytes("tflite") == table.to_bytes("tflite")


def test_lookups_named_as_an_export_numbers_them_get_names_of_their_own() -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.normal(size=(ROWS, 8)).astype(np.float32) for _ in range(2))
    before = model(
        """agraph (int64[N,5] x) => (float[N,5,8] y) {
            Gather = Gather(first, x)
            Gather_1 = Gather(second, x)
            y = Add(Gather, Gather_1)
        }""",
        first=first,
        second=second,
    )
    tables = edgesdk.quantize(to_bytes(before), recipe=RECIPES["int8 rows"])
    indices = np.array([[0, 7, ROWS - 1, 7, 123]], np.int64)
    expected = edgesdk.Runner(tables.to_bytes("onnx"), "onnxruntime")(indices)
    actual = edgesdk.Runner(tables.to_bytes("tflite"), "native")(indices)
    np.testing.assert_array_equal(actual, expected)
    np.testing.assert_allclose(actual, first[indices] + second[indices], atol=0.1)
