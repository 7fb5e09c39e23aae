"""Updates at constant places."""

from __future__ import annotations

import numpy as np
import pytest

from tests.edgesdk.export.judged import judge
from tests.quant.graph.written import random


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scatter_elements(axis: int) -> None:
    text = f"""(float[3,4] x, float[2,3] u) => (float[3,4] y) {{
        y = ScatterElements <axis={axis}> (x, i, u)
    }}"""
    judge(text, i=np.array([[0, 1, 2], [1, 2, -3]]))


def test_scatter_nd_of_blocks_and_of_elements() -> None:
    judge("(float[3,4] x, float[2,4] u) => (float[3,4] y) { y = ScatterND(x, i, u) }", i=[[2], [0]])
    text = "(float[3,4] x, float[2] u) => (float[3,4] y) { y = ScatterND(x, i, u) }"
    judge(text, i=np.array([[2, -1], [0, 0]]))


@pytest.mark.parametrize("reduction", ["add", "max", "min"])
@pytest.mark.parametrize(("axis", "shape"), [(0, "5,4"), (1, "3,7"), (-1, "3,2")])
def test_updates_of_computed_places_are_collected(reduction: str, axis: int, shape: str) -> None:
    text = f"""(float[3,4] x, int64[{shape}] i, float[{shape}] u) => (float[3,4] y) {{
        y = ScatterElements <axis={axis}, reduction="{reduction}"> (x, i, u)
    }}"""
    sizes = tuple(map(int, shape.split(",")))
    places = np.random.default_rng(0).integers(-3, 3, sizes)
    judge(text, {"x": random(3, 4), "i": places, "u": random(*sizes, seed=1)})


def test_rows_are_added_at_computed_places() -> None:
    text = """(float[3,2,2] x, int64[6,1] i, float[6,2,2] u) => (float[3,2,2] y) {
        y = ScatterND <reduction="add"> (x, i, u)
    }"""
    places = np.array([[0], [2], [2], [-1], [0], [2]])
    judge(text, {"x": random(3, 2, 2), "i": places, "u": random(6, 2, 2, seed=1)})
