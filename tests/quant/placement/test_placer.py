"""Which operators run on integers, and which values share a scale."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgesdk_quant.capability import Target
from edgesdk_quant.placement import Placement, place
from edgesdk_quant.recipe import Override, Recipe
from edgesdk_targets import load as load_target
from tests.quant.graph.written import model, random

GENERIC = load_target("generic")
W8A8 = Recipe.load("w8a8")
IMAGE = "float[1,4,8,8]"


def placed(
    body: str,
    recipe: Recipe = W8A8,
    coarse: dict[str, float] | None = None,
    target: Target = GENERIC,
    unfixed: frozenset[str] = frozenset(),
    **weights: Any,
) -> Placement:
    """Placement of a graph `x => y` on images; nodes are named by what they compute."""
    given = {"w": random(4, 4, 3, 3), "b": random(4), "v": random(4, 1, 3, 3)} | weights
    built = model(f"agraph ({IMAGE} x) => ({IMAGE} y) {{ {body} }}", **given)
    for node in built.graph:
        node.name = node.outputs[0].name
    return place(built, recipe, target, coarse, unfixed)


def kinds(placement: Placement) -> dict[str, str]:
    return {decision.node: decision.kind for decision in placement.decisions}


CONV = "Conv<pads=[1,1,1,1]>"


def test_an_activation_is_fused_and_its_input_gets_no_scale() -> None:
    found = placed(f"c = {CONV}(x, w, b) y = Relu(c)")
    assert kinds(found) == {"c": "int8", "y": "int8"}
    assert sorted(found.values()) == ["x", "y"]
    assert [(site.node, site.index, site.axis) for site in found.weights] == [("c", 1, 0)]


def test_an_activation_that_is_not_alone_keeps_its_own_scales() -> None:
    found = placed(f"c = {CONV}(x, w, b) r = Relu(c) y = Add(c, r)")
    assert sorted(found.values()) == ["c", "r", "x", "y"]


@pytest.mark.parametrize(("target", "bits"), [("x86-avx2", 7), ("generic", 8)])
def test_seven_bits_are_for_the_target_that_is_faster_with_them(target: str, bits: int) -> None:
    found = placed(f"y = {CONV}(x, w, b)", Recipe.load("w7a8"), target=load_target(target))
    assert [site.bits for site in found.weights] == [bits]


def test_what_moves_values_shares_one_scale() -> None:
    found = placed(f"c = {CONV}(x, w) m = MaxPool<kernel_shape=[1,1]>(c) y = {CONV}(m, w)")
    assert {group.values for group in found.groups} == {("x",), ("c", "m"), ("y",)}


def test_a_concatenation_of_other_ranges_is_rescaled_in_front() -> None:
    """A Sigmoid has a range of its own, which it does not give up for its neighbour."""
    found = placed(
        f"c = {CONV}(x, w) s = Sigmoid(x) k = Concat<axis=1>(c, s) y = {CONV}(k, u)",
        u=random(4, 8, 3, 3),
    )
    groups = {group.values: group.range for group in found.groups}
    assert groups["c", "k"] is None
    assert groups["s",] == (0.0, 0.99609375)


@pytest.mark.parametrize(
    "end", ["y = Concat<axis=1>(c, s)", "k = Concat<axis=1>(c, s) y = Relu(k)"]
)
def test_joined_outputs_keep_their_own_scales_unless_something_computes_with_them(end: str) -> None:
    found = placed(f"c = {CONV}(x, w) s = Sigmoid(c) {end}")
    integer = "Relu" in end
    assert kinds(found)["k" if integer else "y"] == ("int8" if integer else "float")
    assert (("c",) in {group.values for group in found.groups}) is not integer


def test_outputs_that_are_moved_after_they_were_joined_keep_their_own_scales() -> None:
    found = placed(f"c = {CONV}(x, w) s = Sigmoid(c) k = Concat<axis=1>(c, s) y = Flatten(k)")
    assert [kinds(found)[name] for name in "cksy"] == ["int8", "float", "int8", "float"]


def test_operators_that_the_target_lacks_say_so() -> None:
    found = placed(f"c = {CONV}(x, w) y = Erf(c)")
    reasons = {decision.node: decision.reason for decision in found.decisions}
    assert reasons["y"] == "target generic has no integer Erf"


@pytest.mark.parametrize(
    ("quantize", "kind", "sites"), [("weights", "weights", 1), ("none", "float", 0)]
)
def test_an_override_keeps_activations_or_all_of_a_node_float(
    quantize: str, kind: str, sites: int
) -> None:
    recipe = replace(W8A8, overrides=(Override("c*", quantize=quantize),))
    found = placed(f"c = {CONV}(x, w) y = Erf(c)", recipe)
    assert kinds(found)["c"] == kind
    assert len(found.weights) == sites


def test_a_weight_only_recipe_gives_activations_no_scale() -> None:
    found = placed(f"c = {CONV}(x, w, b) y = Relu(c)", Recipe.load("w8"))
    assert kinds(found) == {"c": "weights", "y": "float"}
    assert list(found.values()) == []


def test_operators_around_a_coarse_value_keep_float_activations() -> None:
    found = placed(f"c = {CONV}(x, w) d = {CONV}(c, w) y = {CONV}(d, w)", coarse={"c": 12.0})
    assert kinds(found) == {"c": "weights", "d": "weights", "y": "int8"}
    assert "less SQNR than min_sqnr" in found.decisions[0].reason


def test_a_coarse_result_of_a_fused_activation_counts() -> None:
    found = placed(f"c = {CONV}(x, w) r = Relu(c) y = {CONV}(r, w)", coarse={"r": 12.0})
    assert kinds(found) == {"c": "weights", "r": "float", "y": "weights"}


def test_what_a_fixed_step_does_not_hold_gets_one_of_its_own() -> None:
    body = f"c = {CONV}(x, w) s = Softmax(c) y = MatMul(s, c)"
    assert kinds(placed(body)) == {"c": "int8", "s": "int8", "y": "int8"}
    found = placed(body, unfixed=frozenset({"s"}))
    assert kinds(found) == {"c": "int8", "s": "float", "y": "int8"}
    assert [group.range for group in found.groups if "s" in group.values] == [None]


@pytest.mark.parametrize("body", ["e = Expand(c, sizes)", "e = Tile(c, sizes)"])
def test_repeated_values_stay_integers(body: str) -> None:
    sizes = np.array([1, 4, 1, 1] if "Expand" in body else [1, 1, 1, 1], np.int64)
    found = placed(f"c = {CONV}(x, w) {body} y = {CONV}(e, w)", sizes=sizes)
    assert kinds(found) == {"c": "int8", "e": "int8", "y": "int8"}
    assert [sorted(g.values) for g in found.groups if "c" in g.values] == [["c", "e"]]


def test_a_sum_between_float_operators_stays_float() -> None:
    found = placed(f"c = {CONV}(x, w) e = Erf(x) s = Add(c, e) y = Erf(s)")
    assert kinds(found) == {"c": "int8", "e": "float", "s": "float", "y": "float"}


RESIDUAL = f"c = {CONV}(x, w) s = Add(c, x) n = Erf(s) d = {CONV}(n, w) t = Add(s, d)"


def test_a_residual_stream_that_float_norms_read_is_not_rounded() -> None:
    found = kinds(placed(f"{RESIDUAL} y = Erf(t)"))
    assert found == dict.fromkeys("snty", "float") | dict.fromkeys("cd", "int8")


def test_an_activation_of_such_a_sum_is_float_too() -> None:
    found = placed(f"c = {CONV}(x, w) s = Add(c, x) r = Relu(s) y = Erf(r)")
    assert kinds(found) == {"c": "int8", "s": "float", "r": "float", "y": "float"}


@pytest.mark.parametrize("end", [f"y = {CONV}(t, w)", "f = Erf(t) y = Mul(t, f)"])
def test_one_reader_with_integers_makes_a_stream_integer(end: str) -> None:
    found = kinds(placed(f"{RESIDUAL} {end}"))
    assert (found["s"], found["t"]) == ("int8", "int8")


@pytest.mark.parametrize(
    "body",
    [
        f"c = {CONV}(x, w) e = Erf(x) y = Add(c, e)",  # the sum is the result
        f"c = {CONV}(x, w) e = Erf(x) s = Add(c, e) y = {CONV}(s, w)",  # an integer reader
    ],
)
def test_other_sums_are_integer(body: str) -> None:
    sums = [d for d in placed(body).decisions if d.op == "Add"]
    assert [decision.kind for decision in sums] == ["int8"]
