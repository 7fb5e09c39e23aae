"""LSTM, GRU and RNN unrolled, against ONNX Runtime's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgesdk.capture import capture
from edgesdk.export.tflite import lower
from edgesdk_runtimes.errors import UnsupportedError
from tests.edgesdk.export.judged import judge
from tests.quant.graph.written import model, random

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
STEPS, BATCH, INPUTS, HIDDEN = 4, 2, 3, 5


def _weights(op: str, ways: int) -> dict[str, Any]:
    gates = GATES[op]
    return {
        "w": random(ways, gates * HIDDEN, INPUTS, seed=1) / 2,
        "r": random(ways, gates * HIDDEN, HIDDEN, seed=2) / 2,
        "b": random(ways, 2 * gates * HIDDEN, seed=3) / 2,
    }


@pytest.mark.parametrize("op", sorted(GATES))
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_every_direction(op: str, direction: str) -> None:
    ways = 2 if direction == "bidirectional" else 1
    attributes = f'hidden_size={HIDDEN}, direction="{direction}"'
    text = f"""(float[{STEPS},{BATCH},{INPUTS}] x)
        => (float[{STEPS},{ways},{BATCH},{HIDDEN}] y, float[{ways},{BATCH},{HIDDEN}] h) {{
        y, h = {op} <{attributes}> (x, w, r, b)
    }}"""
    judge(text, **_weights(op, ways))


@pytest.mark.parametrize("attributes", ["clip=0.5", "input_forget=1", "input_forget=0"])
def test_lstm_with_states_that_come_from_outside(attributes: str) -> None:
    state = f"float[1,{BATCH},{HIDDEN}]"
    text = f"""(float[{STEPS},{BATCH},{INPUTS}] x, {state} h0, {state} c0)
        => ({state} h, {state} c) {{
        y, h, c = LSTM <hidden_size={HIDDEN}, {attributes}> (x, w, r, b, , h0, c0, p)
    }}"""
    judge(text, **_weights("LSTM", 1), p=random(1, 3 * HIDDEN, seed=4))


@pytest.mark.parametrize("linear", [0, 1])
def test_gru_in_both_forms(linear: int) -> None:
    attributes = f"hidden_size={HIDDEN}, linear_before_reset={linear}"
    text = f"""(float[{STEPS},{BATCH},{INPUTS}] x) => (float[{STEPS},1,{BATCH},{HIDDEN}] y) {{
        y = GRU <{attributes}> (x, w, r, b)
    }}"""
    judge(text, **_weights("GRU", 1))


def test_other_activations() -> None:
    text = f"""(float[{STEPS},{BATCH},{INPUTS}] x) => (float[{STEPS},1,{BATCH},{HIDDEN}] y) {{
        y = RNN <hidden_size={HIDDEN}, activations=["Relu"]> (x, w, r, b)
    }}"""
    judge(text, **_weights("RNN", 1))


def test_sequences_of_several_lengths_are_refused() -> None:
    text = f"""agraph (float[{STEPS},{BATCH},{INPUTS}] x)
        => (float[{STEPS},1,{BATCH},{HIDDEN}] y) {{
        y = LSTM <hidden_size={HIDDEN}> (x, w, r, b, n)
    }}"""
    graph = capture(model(text, **_weights("LSTM", 1), n=np.array([4, 2], np.int32)))
    with pytest.raises(UnsupportedError, match=r"LSTM .*: sequences of several lengths"):
        lower(graph)
