"""Arithmetic with a constant for each channel moves into the weights before it."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.graph.channel_arithmetic import fold_channel_arithmetic
from tests.quant.graph.written import model, ops, random, rewritten

CONV = "agraph (float[2,4,8,8] x) => (float[2,6,6,6] y) { c = Conv(x, w, b) {body} }"
WEIGHTS = {
    "w": random(6, 4, 3, 3),
    "b": random(6),
    "channel": random(6, 1, 1, seed=1) + 3,
    "number": np.array(1.7, np.float32),
    "whole": random(1, 6, 1, 1, seed=2),
    "row": random(6, seed=3),
    "image": random(6, 6, 6, seed=4),
    "batch": random(2, 6, 1, 1, seed=5),
    "zero": np.array(0, np.float32),
}


@pytest.mark.parametrize("constant", ["channel", "number", "whole"])
@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
def test_it_is_folded_into_a_convolution(op: str, constant: str) -> None:
    text = CONV.replace("{body}", f"y = {op}(c, {constant})")
    after = rewritten(model(text, **WEIGHTS), fold_channel_arithmetic, 1e-4)
    assert ops(after) == {"Conv": 1}


@pytest.mark.parametrize("op", ["Add", "Mul"])
def test_the_constant_may_come_first(op: str) -> None:
    text = CONV.replace("{body}", f"y = {op}(channel, c)")
    after = rewritten(model(text, **WEIGHTS), fold_channel_arithmetic, 1e-4)
    assert ops(after) == {"Conv": 1}


def test_a_chain_is_folded_in_order() -> None:
    text = CONV.replace("{body}", "s = Mul(c, channel) y = Add(s, whole)")
    after = rewritten(model(text, **WEIGHTS), fold_channel_arithmetic, 1e-4)
    assert ops(after) == {"Conv": 1}


@pytest.mark.parametrize(
    "body",
    ["y = Add(c, row)", "y = Add(c, image)", "y = Mul(c, batch)", "y = Sub(channel, c)"],
)
def test_other_arithmetic_stays(body: str) -> None:
    after = rewritten(model(CONV.replace("{body}", body), **WEIGHTS), fold_channel_arithmetic)
    assert ops(after)["Conv"] == 1
    assert len(after.graph) == 2


def test_gemm_takes_a_row() -> None:
    text = "agraph (float[2,4] x) => (float[2,6] y) { c = Gemm(x, w) y = Mul(c, row) }"
    weights = {"w": random(4, 6), "row": WEIGHTS["row"]}
    assert ops(rewritten(model(text, **weights), fold_channel_arithmetic, 1e-4)) == {"Gemm": 1}
