"""Updates at constant places."""

from __future__ import annotations

import numpy as np
import pytest

from tests.edgesdk.export.judged import judge


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
