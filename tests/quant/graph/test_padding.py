"""Zero padding moves into the convolution behind it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edgesdk_quant.graph.padding import fold_padding
from tests.quant.graph.written import model, ops, random, rewritten

TEXT = "agraph (float[1,2,8,8] x) => (float[1,3,H,W] y) { p = Pad {pad} y = Conv {conv} (p, w) }"


def padded(pads: list[int], pad: str = "(x, pads)", conv: str = "") -> Counter[str]:
    text = TEXT.replace("{pad}", pad).replace("{conv}", conv)
    weights = {"pads": np.array(pads), "value": np.array(1, np.float32), "w": random(3, 2, 3, 3)}
    return ops(rewritten(model(text, **weights), fold_padding, 1e-4))


@pytest.mark.parametrize("conv", ["", "<pads=[1,0,2,1]>", "<strides=[2,2]>"])
def test_zero_padding_is_folded(conv: str) -> None:
    assert padded([0, 0, 1, 2, 0, 0, 3, 0], conv=conv) == {"Conv": 1}


@pytest.mark.parametrize(
    ("pads", "pad", "conv"),
    [
        ([0, 0, 1, 1, 0, 0, 1, 1], "(x, pads, value)", ""),
        ([0, 0, 1, 1, 0, 0, 1, 1], '<mode="edge"> (x, pads)', ""),
        ([0, 0, 1, 1, 0, 0, -1, 1], "(x, pads)", ""),
        ([0, 0, 1, 1, 0, 0, 1, 1], "(x, pads)", '<auto_pad="SAME_UPPER">'),
    ],
)
def test_other_padding_stays(pads: list[int], pad: str, conv: str) -> None:
    assert padded(pads, pad, conv) == {"Pad": 1, "Conv": 1}


def test_padding_that_others_read_too_stays() -> None:
    signature = "(float[1,2,8,8] x) => (float[1,3,8,8] y, float[1,2,10,10] p)"
    text = f"agraph {signature} {{ p = Pad(x, pads) y = Conv(p, w) }}"
    weights = {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "w": random(3, 2, 3, 3)}
    assert ops(rewritten(model(text, **weights), fold_padding, 1e-4)) == {"Pad": 1, "Conv": 1}
