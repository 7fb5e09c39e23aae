"""Masked attention: the range of scores is that of what has weight, whatever the mask adds."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from edgesdk_quant.calibration.masks import REACH, bound_scores, find_scores
from edgesdk_quant.data import open_data
from edgesdk_quant.graph import constant, normalize, to_bytes
from edgesdk_quant.pipeline import quantize
from edgesdk_quant.recipe import Recipe
from edgesdk_runtimes import runtime_named
from edgesdk_runtimes.base import Array
from edgesdk_targets import load as load_target
from tests.quant.graph.written import model, random

ADDED = """agraph (float[N,6,6] x) => (float[N,6,6] y) {
    s = MatMul(x, w) a = Add(s, mask) p = Softmax<axis=-1>(a) y = MatMul(p, v)
}"""
CHOSEN = """agraph (float[N,6,6] x) => (float[N,6,6] y) {
    s = MatMul(x, w) a = Where(keep, s, mask) p = Softmax<axis=-1>(a) y = MatMul(p, v)
}"""
WEIGHTS, VALUES, SAMPLES = random(6, 6), random(6, 6, seed=2), random(8, 6, 6, seed=3)
HIDDEN = ~np.tri(6, dtype=bool)


def masked(value: float, chosen: bool) -> ir.Model:
    if chosen:
        return model(CHOSEN, w=WEIGHTS, v=VALUES, keep=~HIDDEN, mask=np.array(value, np.float32))
    mask = np.where(HIDDEN, np.float32(value), np.float32(0)).astype(np.float32)
    return model(ADDED, w=WEIGHTS, v=VALUES, mask=mask)


def outputs(graph: ir.Model) -> Array:
    session = runtime_named("onnxruntime").open(to_bytes(graph), threads=1)
    return np.concatenate([session.run([SAMPLES[i : i + 1]])[0] for i in range(len(SAMPLES))])


@pytest.mark.parametrize("chosen", [False, True])
@pytest.mark.parametrize("value", [-np.inf, -3.4e38, -1e9, -1e4, -100.0])
def test_scores_keep_their_bits_beside_any_mask(value: float, chosen: bool) -> None:
    graph = normalize(masked(value, chosen))
    done = quantize(graph, open_data(SAMPLES), Recipe.load("w8a8"), load_target("generic"))
    steps = [constant(n.inputs[1]) for n in done.model.graph if n.op_type == "QuantizeLinear"]
    assert len(steps) >= 4
    assert max(float(step) for step in steps if step is not None) < 2 * REACH / 255
    expected, actual = outputs(graph), outputs(done.model)
    noise = np.square(expected - actual).mean() / np.square(expected).mean()
    assert 10 * np.log10(noise) < -30


def test_rows_are_lifted_to_what_has_weight_and_masks_no_further_than_they_must() -> None:
    graph = masked(-1e9, chosen=False)
    scores = find_scores(graph.graph)
    assert [(s.value, s.moved, s.parts) for s in scores] == [
        ("a", frozenset(), frozenset({"s", "mask"}))
    ]
    raw = np.array([[[3.0, 1.0, -1e9], [-2.0, -1e9, -1e9]]], np.float32)
    arrays = {"a": raw, "mask": np.array([0.0, -1e9], np.float32)}
    bound_scores(arrays, scores)
    assert arrays["a"].tolist() == [[[3, 1, 3 - REACH], [-2, -2 - REACH, -2 - REACH]]]
    assert arrays["mask"].tolist() == [0, -(3 + 2 + REACH)]


def test_scores_that_another_operator_reads_stay_as_they_are() -> None:
    graph = model(
        ADDED.replace("=> (float[N,6,6] y)", "=> (float[N,6,6] y, float[N,6,6] a)"),
        w=WEIGHTS,
        v=VALUES,
        mask=np.zeros((6, 6), np.float32),
    )
    assert find_scores(graph.graph) == []


def test_a_mask_computed_from_an_input_stays_float() -> None:
    graph = model(
        """agraph (float[N,6,6] x, float[N,1,6] seen) => (float[N,6,6] y) {
            s = MatMul(x, w) hidden = Sub(one, seen) mask = Mul(hidden, lowest) a = Add(s, mask)
            p = Softmax<axis=-1>(a) y = MatMul(p, v)
        }""",
        w=WEIGHTS,
        v=VALUES,
        one=np.array([1], np.float32),
        lowest=np.array([-3.4e38], np.float32),
    )
    data = [{"x": SAMPLES[i : i + 1], "seen": np.ones((1, 1, 6), np.float32)} for i in range(4)]
    done = quantize(normalize(graph), open_data(data), Recipe.load("w8a8"), load_target("generic"))
    kinds = {decision.op: decision.kind for decision in done.decisions}
    assert (kinds["Mul"], kinds["Add"]) == ("float", "int8")
