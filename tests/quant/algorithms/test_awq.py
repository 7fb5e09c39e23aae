"""AWQ: inputs are scaled so that the rounded layer's output errs least; float results stay."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from edgesdk_quant.algorithms.awq import ALPHAS, scale_by_activations
from edgesdk_quant.algorithms.input_scaling import shared_inputs
from edgesdk_quant.calibration.row_sample import MOST_ROWS, RowSample
from edgesdk_quant.progress import Silent
from tests.quant.graph.written import model, ops, random, run

CHANNELS, UNITS = 64, 96
# A few channels are much larger than the others, as behind a LayerNormalization.
SPREAD = np.where(np.arange(CHANNELS) % 16 == 3, 20.0, 0.5).astype(np.float32)
ALONE = """agraph (float[2,5,64] x) => (float[2,5,96] y) {
    n = LayerNormalization(x, g, b) y = MatMul(n, w)
}"""
WITH_SHORTCUT = """agraph (float[2,5,64] x) => (float[2,5,64] y) {
    n = LayerNormalization(x, g, b) p = MatMul(n, w) q = MatMul(n, v) m = Add(p, q) k = MatMul(m, o)
    y = Add(n, k)
}"""


def network(text: str) -> ir.Model:
    return model(
        text,
        g=SPREAD,
        b=random(CHANNELS, seed=1) * SPREAD,
        w=random(CHANNELS, UNITS, seed=2),
        v=random(CHANNELS, UNITS, seed=3),
        o=random(UNITS, CHANNELS, seed=4),
    )


def rounded(weight: np.ndarray, node: str = "") -> np.ndarray:
    """Four bits, blocks of 32 along dimension 0."""
    blocks = np.asarray(weight, np.float64).reshape(-1, 32, weight.shape[1])
    step = np.maximum(blocks.max(1) / 7, -blocks.min(1) / 8)[:, None]
    return np.asarray((np.clip(np.rint(blocks / step), -8, 7) * step).reshape(weight.shape))


def normalized(seed: int = 5, count: int = 40) -> np.ndarray:
    """What the LayerNormalization gives, computed apart."""
    x = random(count, CHANNELS, seed=seed).astype(np.float64)
    unit = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    return np.asarray(unit * SPREAD + random(CHANNELS, seed=1) * SPREAD, np.float32)


def sampled(graph: ir.Model, nodes: set[str]) -> dict[str, RowSample]:
    seen = {}
    for shared in shared_inputs(graph.graph, nodes):
        seen[shared.name] = RowSample()
        width = CHANNELS if shared.name == "n" else UNITS
        seen[shared.name].add(normalized() if width == CHANNELS else random(40, UNITS))
    return seen


def scaled(graph: ir.Model) -> tuple[ir.Model, dict[str, float]]:
    after = graph.clone()
    for index, node in enumerate(after.graph):
        node.name = f"node{index}"
    nodes = {str(node.name) for node in after.graph}
    shared = shared_inputs(after.graph, nodes)
    found = scale_by_activations(shared, sampled(after, nodes), rounded, Silent())
    return after, found


@pytest.mark.parametrize("text", [ALONE, WITH_SHORTCUT])
def test_float_results_stay(text: str) -> None:
    before = network(text)
    after, found = scaled(before)
    assert found["n"] > 0
    x = random(2, 5, CHANNELS, seed=6)
    np.testing.assert_allclose(
        run(after, {"x": x})[0], run(before, {"x": x})[0], rtol=2e-4, atol=1e-3
    )


def test_the_normalization_takes_the_scales_where_nobody_else_reads_it() -> None:
    assert ops(scaled(network(ALONE))[0])["Mul"] == 0


def test_one_product_serves_all_layers_that_share_an_input_with_a_shortcut() -> None:
    after, _ = scaled(network(WITH_SHORTCUT))
    readers = {n.inputs[0] for n in after.graph if n.op_type == "MatMul"}
    assert ops(after)["Mul"] == 1
    assert len(readers) == 2


def test_alpha_is_the_one_of_least_output_error() -> None:
    """A brute-force search over s = mean |x| ^ alpha, equations 4 and 5 of the paper."""
    weight, x = random(CHANNELS, UNITS, seed=2), normalized()
    errors = []
    for alpha in ALPHAS:
        s = np.abs(x).mean(0) ** alpha
        s = s / np.sqrt(s.max() * s.min())
        errors.append(np.linalg.norm((x / s) @ rounded(weight * s[:, None]) - x @ weight))
    _, found = scaled(network(ALONE))
    assert found["n"] == pytest.approx(ALPHAS[int(np.argmin(errors))])
    assert min(errors) < 0.8 * errors[0]


def test_rows_are_sampled_evenly_and_magnitudes_are_exact() -> None:
    x = random(5 * MOST_ROWS, 3)
    whole, parts = RowSample(), RowSample()
    whole.add(x)
    for part in np.split(x, [1, 700, 701, 2000]):
        parts = RowSample.from_state(parts.state()) if parts.seen else parts
        parts.add(part)
    for sample in (whole, parts):
        assert MOST_ROWS <= len(sample.rows) <= 2 * MOST_ROWS
        np.testing.assert_array_equal(sample.rows, x[:: sample.stride])
        np.testing.assert_allclose(sample.mean_magnitude, np.abs(x).mean(0), rtol=1e-5)
        np.testing.assert_array_equal(sample.largest, np.abs(x).max(0))
