"""Updates at places that are computed at run time."""

from __future__ import annotations

import numpy as np
import pytest

from tests.edgesdk.export.judged import judge
from tests.quant.graph.written import random

# Caches [batch, heads, places, width] of a decoder.
CACHE = random(1, 4, 6, 3)


@pytest.mark.parametrize("places", [[[4]], [[-1]], [[1], [5], [0]], [[2], [3], [2]]])
def test_rows_are_overwritten_and_the_last_of_equal_places_wins(places: list[list[int]]) -> None:
    count = len(places)
    text = f"""(float[6,2,3] x, int64[{count},1] i, float[{count},2,3] u) => (float[6,2,3] y) {{
        y = ScatterND (x, i, u)
    }}"""
    updates = random(count, 2, 3, seed=1)
    judge(text, {"x": random(6, 2, 3), "i": np.array(places), "u": updates})


@pytest.mark.parametrize("places", [[[1, 4]], [[0, -2], [1, 5], [0, 4]]])
def test_blocks_are_overwritten_at_places_of_two_dimensions(places: list[list[int]]) -> None:
    count = len(places)
    text = f"""(float[2,6,3] x, int64[{count},2] i, float[{count},3] u) => (float[2,6,3] y) {{
        y = ScatterND (x, i, u)
    }}"""
    judge(text, {"x": random(2, 6, 3), "i": np.array(places), "u": random(count, 3, seed=1)})


def test_a_cache_takes_its_new_column_between_two_transposes() -> None:
    text = """(float[1,4,6,3] x, int64[1] i, float[1,4,1,3] u) => (float[1,4,6,3] y) {
        rows = Transpose <perm=[2,0,1,3]> (x)
        new = Transpose <perm=[2,0,1,3]> (u)
        place = Unsqueeze(i, last)
        written = ScatterND(rows, place, new)
        y = Transpose <perm=[1,2,0,3]> (written)
    }"""
    given = {"x": CACHE, "i": np.array([4]), "u": random(1, 4, 1, 3, seed=1)}
    judge(text, given, last=np.array([-1]))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("axis", [1, 2, -1])
def test_elements_are_overwritten_along_an_axis(axis: int, count: int) -> None:
    sizes = list(CACHE.shape)
    sizes[axis] = count
    shape = ",".join(map(str, sizes))
    text = f"""(float[1,4,6,3] x, int64[{shape}] i, float[{shape}] u) => (float[1,4,6,3] y) {{
        y = ScatterElements <axis={axis}> (x, i, u)
    }}"""
    # Different places each: ONNX leaves open which of two updates of one element wins.
    places = np.argsort(np.random.default_rng(2).random(CACHE.shape), axis=axis)
    chosen = np.take(places, np.arange(count), axis=axis) % CACHE.shape[axis]
    judge(text, {"x": CACHE, "i": chosen, "u": random(*sizes, seed=1)})
