"""Sizes beside an open batch are constants."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.graph.known_sizes import write_known_sizes
from tests.quant.graph.written import model, ops, rewritten


@pytest.mark.parametrize(
    "pick", ["Slice(s, two, four)", "Slice(s, minus_two, far)", "Gather(s, both)"]
)
def test_sizes_picked_from_a_shape_are_known(pick: str) -> None:
    text = f"""agraph (float[N,3,4,5] x) => (float[4,5] y) {{
        s = Shape(x) p = {pick} y = Expand(one, p)
    }}"""
    places = {"two": [2], "four": [4], "minus_two": [-2], "far": [2**62], "both": [2, -1]}
    arrays = {name: np.array(value) for name, value in places.items()}
    graph = model(text, one=np.float32(1), **arrays)
    after = rewritten(graph, write_known_sizes)
    assert ops(after) == {"Expand": 1}


def test_an_open_size_is_still_asked_for() -> None:
    text = """agraph (float[N,3] x) => (float[M] y) {
        s = Shape(x) p = Gather(s, first) y = Expand(one, p)
    }"""
    graph = model(text, one=np.float32(1), first=np.array([0]))
    assert ops(rewritten(graph, write_known_sizes)) == {"Shape": 1, "Gather": 1, "Expand": 1}
