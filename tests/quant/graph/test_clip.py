"""Clips take their plainest form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgesdk_quant.graph.clip import simplify_clips
from edgesdk_quant.graph.rewrite import input_at
from edgesdk_quant.graph.values import scalar
from tests.quant.graph.written import model, ops, rewritten

WEIGHTS = {
    name: np.array(value, np.float32)
    for name, value in {
        "zero": 0,
        "one": 1,
        "six": 6,
        "minus": -1,
        "inf": math.inf,
        "low": -math.inf,
    }.items()
}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("y = Clip(x, zero)", {"Relu": 1}),
        ("y = Clip(x, zero, inf)", {"Relu": 1}),
        ("r = Relu(x) y = Clip(r, zero, six)", {"Clip": 1}),
        ("r = Relu(x) y = Clip(r, low, one)", {"Clip": 1}),
        ("a = Clip(x, minus, six) y = Clip(a, zero, one)", {"Clip": 1}),
        ("n = Neg(x) c = Clip(n) y = Neg(c)", {"Neg": 2}),
        ("y = Clip(x, minus, one)", {"Clip": 1}),
        ("r = Relu(x) y = Clip(r, low, minus)", {"Relu": 1, "Clip": 1}),
    ],
)
def test_the_form(body: str, expected: dict[str, int]) -> None:
    before = model(f"agraph (float[2,64] x) => (float[2,64] y) {{ {body} }}", **WEIGHTS)
    assert ops(rewritten(before, simplify_clips)) == expected


def test_merged_bounds_are_the_tighter_ones() -> None:
    body = "r = Relu(x) y = Clip(r, low, one)"
    before = model(f"agraph (float[2,64] x) => (float[2,64] y) {{ {body} }}", **WEIGHTS)
    clip = next(iter(rewritten(before, simplify_clips).graph))
    assert [scalar(input_at(clip, i)) for i in (1, 2)] == [0.0, 1.0]


def test_a_clip_that_others_read_too_is_not_merged_away() -> None:
    body = "r = Relu(x) y = Clip(r, low, one)"
    text = f"agraph (float[2,8] x) => (float[2,8] y, float[2,8] r) {{ {body} }}"
    assert ops(rewritten(model(text, **WEIGHTS), simplify_clips)) == {"Relu": 1, "Clip": 1}


def test_integer_clips_stay() -> None:
    bounds = {"a": np.array(0, np.int64), "b": np.array(3, np.int64)}
    before = model("agraph (int64[4] x) => (int64[4] y) { y = Clip(x, a, b) }", **bounds)
    assert ops(rewritten(before, simplify_clips)) == {"Clip": 1}
