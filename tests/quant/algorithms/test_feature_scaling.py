"""Columns of a table that differ a thousandfold all keep their bits."""

from __future__ import annotations

import numpy as np
import pytest

import edgesdk
from edgesdk_quant.algorithms.feature_scaling import scale_features, tables
from edgesdk_quant.calibration.channel_range import ChannelRange
from edgesdk_quant.graph import load, to_bytes
from tests.quant.graph.written import model, ops, random, run

SIZES = np.array([0.3, 3, 30, 3000], np.float32)
HEAD = "agraph (float[N,4] x) => (float[N,5] y)"
READERS = {
    "Gemm": "y = Gemm(x, w, b)",
    "Gemm of transposed weights": "y = Gemm<transB=1>(x, v, b)",
    "MatMul": "y = MatMul(x, w)",
    "normalization": "m = Mul(x, f) a = Add(m, g) y = Gemm(a, w, b)",
}
WEIGHTS = {
    "w": random(4, 5),
    "v": random(5, 4, seed=1),
    "b": random(5, seed=2),
    "f": 1 / SIZES,
    "g": random(4, seed=3),
}
FIRST = {"w": random(4, 5) / SIZES[:, None], "v": random(5, 4, seed=1) / SIZES}


def table(rows: int) -> np.ndarray:
    return random(rows, 4, seed=4) * SIZES


def extremes(x: np.ndarray) -> ChannelRange:
    found = ChannelRange()
    found.add(x)
    return found


@pytest.mark.parametrize("body", READERS.values(), ids=READERS)
def test_the_float_result_keeps_its_bits(body: str) -> None:
    graph, x = model(f"{HEAD} {{ {body} }}", **WEIGHTS), table(16)
    (expected,) = run(graph, {"x": x})
    assert tables(graph) == ["x"]
    assert scale_features(graph, {"x": extremes(x)}) == ["x"]
    assert ops(graph)["Mul"] == body.count(" Mul(") + 1
    np.testing.assert_array_equal(run(graph, {"x": x})[0], expected)


@pytest.mark.parametrize(
    "body", ["s = Sub(x, g) y = Gemm(s, w, b)", "t = Tanh(x) y = MatMul(t, w)"]
)
def test_other_readers_leave_the_table_alone(body: str) -> None:
    assert tables(model(f"{HEAD} {{ {body} }}", **WEIGHTS)) == []


@pytest.mark.parametrize("sizes", [[1, 1, 1, 1], [1, 1, 1, 0.001], [0, 1, 2, 3]])
def test_even_features_and_rare_ones_stay_as_they_are(sizes: list[float]) -> None:
    graph = model(f"{HEAD} {{ {READERS['Gemm']} }}", **WEIGHTS)
    before = to_bytes(graph)
    x = random(16, 4) * np.array(sizes, np.float32)
    assert scale_features(graph, {"x": extremes(x)}) == []
    assert to_bytes(graph) == before


@pytest.mark.parametrize("name", ["Gemm", "normalization"])
def test_small_features_survive_quantization(name: str) -> None:
    given = WEIGHTS if name == "normalization" else {**WEIGHTS, **FIRST}
    float_model, x = to_bytes(model(f"{HEAD} {{ {READERS[name]} }}", **given)), table(64)
    quantized = edgesdk.quantize(float_model, x)
    (expected,), (found,) = run(load(float_model), {"x": x}), run(quantized.model, {"x": x})
    noise = np.square(expected - found).sum() / np.square(expected).sum()
    assert 10 * np.log10(1 / noise) > 28
