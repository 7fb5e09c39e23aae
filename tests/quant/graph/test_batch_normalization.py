"""BatchNormalization disappears into the weights before it, or becomes one simple operator."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesdk_quant.graph.batch_normalization import fold_batch_normalization
from tests.quant.graph.written import model, ops, random, rewritten

CHANNELS = 6
STATISTICS = {
    "s": random(CHANNELS, seed=1),
    "o": random(CHANNELS, seed=2),
    "m": random(CHANNELS, seed=3),
    "v": random(CHANNELS, seed=4) ** 2 + 0.1,
}
BN = "y = BatchNormalization <epsilon=0.001> (c, s, o, m, v)"
SHAPED: dict[str, tuple[str, NDArray[np.float32]]] = {
    "Conv": ("c = Conv(x, w)", random(CHANNELS, 4, 3, 3)),
    "Conv with bias": ("c = Conv(x, w, b)", random(CHANNELS, 4, 3, 3)),
    "Conv in groups": ("c = Conv <group=2> (x, w)", random(CHANNELS, 2, 3, 3)),
    "ConvTranspose": ("c = ConvTranspose(x, w, b)", random(4, CHANNELS, 3, 3)),
}


@pytest.mark.parametrize("name", SHAPED)
def test_it_is_folded_into_a_convolution(name: str) -> None:
    body, weight = SHAPED[name]
    text = f"agraph (float[2,4,8,8] x) => (float[2,6,H,W] y) {{ {body} {BN} }}"
    before = model(text, w=weight, b=random(CHANNELS), **STATISTICS)
    after = rewritten(before, fold_batch_normalization, 1e-4)
    assert ops(after) == {name.split()[0]: 1}


@pytest.mark.parametrize("transposed", [0, 1])
def test_it_is_folded_into_a_gemm(transposed: int) -> None:
    weight = random(CHANNELS, 4) if transposed else random(4, CHANNELS)
    body = f"c = Gemm <transB={transposed}> (x, w, b) {BN}"
    text = f"agraph (float[2,4] x) => (float[2,6] y) {{ {body} }}"
    before = model(text, w=weight, b=random(CHANNELS), **STATISTICS)
    assert ops(rewritten(before, fold_batch_normalization, 1e-4)) == {"Gemm": 1}


def test_alone_on_an_image_it_is_a_depthwise_convolution() -> None:
    text = f"agraph (float[2,6,8,8] x) => (float[2,6,8,8] y) {{ c = Relu(x) {BN} }}"
    after = rewritten(model(text, **STATISTICS), fold_batch_normalization, 1e-4)
    assert ops(after) == {"Relu": 1, "Conv": 1}


@pytest.mark.parametrize("shape", ["2,6", "2,6,5"])
def test_alone_on_other_data_it_is_mul_and_add(shape: str) -> None:
    text = f"agraph (float[{shape}] x) => (float[{shape}] y) {{ c = Relu(x) {BN} }}"
    after = rewritten(model(text, **STATISTICS), fold_batch_normalization, 1e-4)
    assert ops(after) == {"Relu": 1, "Mul": 1, "Add": 1}


def test_a_convolution_that_others_read_keeps_its_weights() -> None:
    signature = "(float[2,4,8,8] x) => (float[2,6,8,8] y, float[2,6,8,8] z)"
    text = f"agraph {signature} {{ c = Conv <pads=[1,1,1,1]> (x, w) z = Relu(c) {BN} }}"
    before = model(text, w=random(CHANNELS, 4, 3, 3), **STATISTICS)
    after = rewritten(before, fold_batch_normalization, 1e-4)
    assert ops(after) == {"Conv": 2, "Relu": 1}


def test_weights_shared_by_two_convolutions_are_not_changed_for_both() -> None:
    body = f"q = Conv(x, w) r = Relu(q) c = Conv(x, w) {BN.replace('y =', 'n =')} y = Add(n, r)"
    text = f"agraph (float[2,4,8,8] x) => (float[2,6,6,6] y) {{ {body} }}"
    before = model(text, w=random(CHANNELS, 4, 3, 3), **STATISTICS)
    after = rewritten(before, fold_batch_normalization, 1e-4)
    assert ops(after) == {"Conv": 2, "Relu": 1, "Add": 1}
