"""Weights with NaN or infinity are refused by name; masks with -inf are not."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.graph.soundness import check_weights
from edgesdk_runtimes.errors import ModelError
from tests.quant.graph.written import model, random

MATMUL = "agraph (float[2,3] x) => (float[2,4] y) { m = MatMul(x, w) y = Mul(m, v) }"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_each_bad_weight_is_named(bad: float) -> None:
    weight, gain = random(3, 4), random(4)
    weight[0, :2], gain[3] = bad, bad
    with pytest.raises(ModelError, match=r"w \(2 of 12\), v \(1 of 4\)"):
        check_weights(model(MATMUL, w=weight, v=gain))


def test_a_mask_of_minus_infinity_is_fine() -> None:
    text = "agraph (float[2,3] x) => (float[2,3] y) { m = Add(x, w) y = Softmax(m) }"
    check_weights(model(text, w=np.array([0, 0, -np.inf], np.float32)))


def test_a_mask_of_nan_is_refused() -> None:
    text = "agraph (float[2,3] x) => (float[2,3] y) { m = Add(x, w) y = Softmax(m) }"
    with pytest.raises(ModelError, match="w"):
        check_weights(model(text, w=np.array([0, 0, np.nan], np.float32)))
