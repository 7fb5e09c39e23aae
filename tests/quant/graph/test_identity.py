"""Nodes that do nothing go; names of inputs and outputs stay."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.graph.identity import remove_identities
from tests.quant.graph.written import model, ops, rewritten

WEIGHTS = {
    "none": np.zeros(4, np.int64),
    "some": np.array([0, 0, 0, 1]),
    "shape": np.array([2, 3]),
    "other": np.array([3, 2]),
    "ratio": np.array(0.5, np.float32),
    "no": np.array(False),
}


@pytest.mark.parametrize(
    "body",
    [
        "b = Identity(a)",
        "b = Dropout(a)",
        "b = Dropout(a, ratio, no)",
        "b = Cast <to=1> (a)",
        "b = Transpose <perm=[0,1]> (a)",
        "b = Reshape(a, shape)",
        "b = Flatten(a)",
        "b = Expand(a, shape)",
        "b = Pad(a, none)",
        "b = Concat <axis=0> (a)",
    ],
)
def test_what_does_nothing_goes(body: str) -> None:
    text = f"agraph (float[2,3] x) => (float[2,3] y) {{ a = Relu(x) {body} y = Neg(b) }}"
    assert ops(rewritten(model(text, **WEIGHTS), remove_identities)) == {"Relu": 1, "Neg": 1}


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ("b = Cast <to=10> (a) y = Cast <to=1> (b)", "2,3"),
        ("y = Transpose <perm=[1,0]> (a)", "3,2"),
        ("y = Reshape(a, other)", "3,2"),
        ("y = Pad(a, some)", "2,4"),
    ],
)
def test_what_does_something_stays(body: str, shape: str) -> None:
    before = model(
        f"agraph (float[2,3] x) => (float[{shape}] y) {{ a = Relu(x) {body} }}", **WEIGHTS
    )
    assert ops(rewritten(before, remove_identities, 1e-2)) == ops(before)


def test_before_an_output_the_output_keeps_its_name() -> None:
    text = "agraph (float[2,3] x) => (float[2,3] y) { a = Relu(x) y = Identity(a) }"
    assert ops(rewritten(model(text), remove_identities)) == {"Relu": 1}


@pytest.mark.parametrize(
    "text",
    [
        "agraph (float[2,3] x) => (float[2,3] y) { y = Identity(x) }",
        "agraph (float[2,3] x) => (float[2,3] y, float[2,3] z) { y = Relu(x) z = Identity(y) }",
    ],
)
def test_between_an_input_or_output_and_an_output_it_stays(text: str) -> None:
    assert ops(rewritten(model(text), remove_identities))["Identity"] == 1


def test_a_dropout_whose_mask_is_read_stays() -> None:
    text = """agraph (float[2,3] x) => (float[2,3] y, float[2,3] z) {
        a, mask = Dropout(x) y = Relu(a) z = Cast <to=1> (mask)
    }"""
    assert ops(rewritten(model(text), remove_identities))["Dropout"] == 1
