"""Arcs of sines, cosines and tangents to float32's precision."""

from __future__ import annotations

import numpy as np
import pytest

from tests.edgesdk.export.judged import judge


@pytest.mark.parametrize("op", ["Atan", "Asin", "Acos"])
def test_over_the_whole_range(op: str) -> None:
    ends = np.array([0, 1, -1, 0.4142135, 0.99999994, 1e-20], np.float32)
    inside = np.linspace(-1, 1, 401).astype(np.float32)
    far = np.geomspace(1, 1e30, 200).astype(np.float32)
    wide = [far, -far] if op == "Atan" else []
    x = np.concatenate([ends, inside, *wide])
    text = f"(float[{x.size}] x) => (float[{x.size}] y) {{ y = {op}(x) }}"
    judge(text, {"x": x}, tolerance=1e-6)


def test_the_angle_of_a_point() -> None:
    judge(
        """(float[64] x, float[64] y) => (float[64] a) {
            q = Div(y, x) t = Atan(q) n = Less(x, zero) p = Less(y, zero)
            up = Add(t, pi) down = Sub(t, pi) far = Where(p, down, up) a = Where(n, far, t)
        }""",
        tolerance=1e-6,
        zero=np.float32(0),
        pi=np.float32(np.pi),
    )
