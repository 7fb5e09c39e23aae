"""Operators that pick by index."""

from __future__ import annotations

import numpy as np
import pytest

from tests.edgesdk.export.judged import judge


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_one_hot(axis: int) -> None:
    text = f"""(int64[2,3] i) => (float[A,B,C] y) {{ y = OneHot <axis={axis}> (i, d, v) }}"""
    feeds = {"i": np.array([[0, 1, 4], [-1, 2, 9]])}
    judge(text, feeds, d=np.array(5), v=np.array([-1, 3], np.float32))


@pytest.mark.parametrize("axis", [0, 1])
def test_gather_elements(axis: int) -> None:
    text = f"""(float[3,4] x, int64[2,2] i) => (float[2,2] y) {{
        y = GatherElements <axis={axis}> (x, i)
    }}"""
    feeds = {"x": np.arange(12, dtype=np.float32).reshape(3, 4), "i": np.array([[0, 2], [-1, 1]])}
    judge(text, feeds)


@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("k", [-1, 0, 2])
def test_triangles(upper: int, k: int) -> None:
    text = f"(float[2,3,4] x) => (float[2,3,4] y) {{ y = Trilu <upper={upper}> (x, k) }}"
    judge(text, k=np.array(k))


def test_sequences_are_reversed() -> None:
    text = """(float[4,3] x) => (float[4,3] y) {
        y = ReverseSequence <time_axis=0, batch_axis=1> (x, n)
    }"""
    judge(text, n=np.array([4, 2, 1]))


def test_constants_that_shapes_make() -> None:
    text = """(float[2,3] x) => (float[2,3] y) {
        s = Shape(x) c = ConstantOfShape <value = float[1] {2.5}> (s) a = Add(x, c)
        n = Size(x) f = Cast <to=1> (n) m = Mul(a, f) e = EyeLike <k=1> (x) y = Add(m, e)
    }"""
    judge(text)
