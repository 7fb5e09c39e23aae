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


def test_rows_of_scores_may_lie_along_any_dimension() -> None:
    graph = normalize(
        model(
            CHOSEN.replace("axis=-1", "axis=1"),
            w=WEIGHTS,
            v=VALUES,
            keep=~HIDDEN,
            mask=np.array(-1e9, np.float32),
        )
    )
    done = quantize(graph, open_data(SAMPLES), Recipe.load("w8a8"), load_target("generic"))
    expected, actual = outputs(graph), outputs(done.model)
    noise = np.square(expected - actual).mean() / np.square(expected).mean()
    assert 10 * np.log10(noise) < -30


def lifted(graph: ir.Model, **arrays: object) -> dict[str, object]:
    """What is left of values [..., 2] of one sample, rounded to two places."""
    known = {name: np.array(array, np.float32) for name, array in arrays.items()}
    bound_scores(known, find_scores(graph.graph))
    return {name: np.round(array.astype(float), 2).tolist() for name, array in known.items()}


def test_rows_are_lifted_to_what_has_weight_and_masks_no_further_than_they_must() -> None:
    found = lifted(
        masked(-1e9, chosen=False),
        a=[[3.0, 1.0, -1e9], [-2.0, -1e9, -1e9]],
        s=[[3.0, 1.0, 7.0], [-2.0, 5.0, -99.0]],
        mask=[0.0, -1e9],
    )
    low = -2 - REACH
    assert found["a"] == [[3, 1, 3 - REACH], [-2, low, low]]
    assert found["s"] == [[3, 1, 7], [-2, 5, low]]
    assert found["mask"] == [0, low - 7]


def test_scores_that_are_all_negative_are_not_lifted_above_themselves() -> None:
    rows = [[-50.0, -45.0]]
    assert lifted(masked(0, chosen=False), a=rows, s=rows, mask=[0])["s"] == rows


def test_scores_that_a_mask_hides_throughout_are_not_lifted() -> None:
    scores, hidden = [[3.0, -4.0]], [[-np.inf, -np.inf]]
    assert lifted(masked(0, chosen=False), a=hidden, s=scores, mask=hidden)["s"] == scores


def test_scores_are_bounded_before_they_are_scaled_and_moved() -> None:
    graph = model(
        """agraph (float[N,6,6] x) => (float[N,6,6] y) {
            s = MatMul(x, w) t = Transpose<perm=[0,2,1]>(s) d = Div(t, root) m = Mul(half, d)
            p = Softmax<axis=-1>(m) y = MatMul(p, v)
        }""",
        w=WEIGHTS,
        v=VALUES,
        root=np.array(8, np.float32),
        half=np.array([0.5], np.float32),
    )
    found = lifted(graph, s=[-999, 16], d=[-125, 2], m=[[-62, 1]])
    assert found == {"s": [16 * (1 - REACH), 16], "d": [2 * (1 - REACH), 2], "m": [[1 - REACH, 1]]}


def test_scores_of_a_negative_factor_stay_as_they_are() -> None:
    graph = model(
        """agraph (float[N,6,6] x) => (float[N,6,6] y) {
            s = MatMul(x, w) d = Mul(s, minus) p = Softmax<axis=-1>(d) y = MatMul(p, v)
        }""",
        w=WEIGHTS,
        v=VALUES,
        minus=np.array(-1, np.float32),
    )
    assert lifted(graph, s=[-999, 1], d=[[999, -1]])["s"] == [-999, 1]


def test_what_scores_are_made_of_stays_if_something_between_is_read_elsewhere() -> None:
    graph = model(
        """agraph (float[N,6,6] x) => (float[N,6,6] y, float[N,6,6] z) {
            s = MatMul(x, w) t = Transpose<perm=[0,2,1]>(s) a = Add(t, bias) z = MatMul(t, v)
            p = Softmax<axis=-1>(a) y = MatMul(p, v)
        }""",
        w=WEIGHTS,
        v=VALUES,
        bias=np.zeros(6, np.float32),
    )
    assert [scores.names for scores in find_scores(graph.graph)] == [frozenset({"a", "bias"})]


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


def test_a_value_that_reaches_scores_by_many_ways_is_lifted_by_the_lowest_of_them() -> None:
    turns = 30  # of two ways each
    chain = "".join(f"d{i} = Mul(h{i}, half) h{i + 1} = Add(h{i}, d{i}) " for i in range(turns))
    graph = model(
        f"""agraph (float[N,6,6] x) => (float[N,6,6] y) {{
            h0 = MatMul(x, w) {chain} y = Softmax<axis=-1>(h{turns})
        }}""",
        w=WEIGHTS,
        half=np.array(0.5, np.float32),
    )
    (scores,) = find_scores(graph.graph)
    assert len(scores.steps) == 3 * turns
    found = lifted(
        model(
            """agraph (float[N,6,6] x) => (float[N,6,6] y) {
                s = MatMul(x, w) d = Mul(s, half) a = Add(s, d) y = Softmax<axis=-1>(a)
            }""",
            w=WEIGHTS,
            half=np.array(0.5, np.float32),
        ),
        s=[-99, 8],
        d=[-49.5, 4],
        a=[[-148.5, 12]],
    )
    assert found == {"s": [-16, 8], "d": [-8, 4], "a": [[0, 12]]}
