"""Constants are initializers of the main graph, wherever they were."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.graph.constants import lift_constants
from tests.quant.graph.written import model, ops, random, rewritten


@pytest.mark.parametrize(
    "attribute", ["value = float[3] {1, 2, 3}", "value_floats = [1.0, 2.0, 3.0]"]
)
def test_constant_nodes_become_initializers(attribute: str) -> None:
    text = f"""agraph (float[2,3] x) => (float[2,3] y) {{
        c = Constant <{attribute}> () y = Add(x, c)
    }}"""
    after = rewritten(model(text), lift_constants)
    assert ops(after) == {"Add": 1}
    assert list(after.graph.initializers) == ["c"]


def test_a_constant_output_keeps_its_name() -> None:
    text = """agraph (float[2] x) => (float[2] y, float[2] z) {
        z = Constant <value = float[2] {1, 2}> () y = Add(x, z)
    }"""
    after = rewritten(model(text), lift_constants)
    assert ops(after) == {"Add": 1}
    assert list(after.graph.initializers) == ["z"]


def test_constants_of_a_branch_move_to_the_main_graph() -> None:
    text = """agraph (float[3] x, bool c) => (float[3] y) {
        y = If (c) <
            then_branch = yes () => (float[3] a) {
                k = Constant <value = float[3] {1, 2, 3}> () a = Add(x, k)
            },
            else_branch = no () => (float[3] b) { b = Neg(x) }
        >
    }"""
    before = model(text)
    lift_constants(before)
    assert ops(before) == {"If": 1, "Add": 1, "Neg": 1}
    assert "k" in before.graph.initializers


def test_weights_that_were_listed_as_inputs_are_inputs_no_more() -> None:
    text = "agraph (float[2,3] x, float[3] w) => (float[2,3] y) { y = Add(x, w) }"
    before = model(text, w=random(3))
    lift_constants(before)
    assert [value.name for value in before.graph.inputs] == ["x"]
    assert isinstance(np.asarray(before.graph.initializers["w"].const_value), np.ndarray)
