"""Multiply-accumulates, counted by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from edgesdk.report.cost import macs

CASES = [
    # 4 x 4 outputs of 8 channels, each a sum over 3 x 3 x 3
    ("Conv", [(1, 3, 4, 4), (8, 3, 3, 3)], (1, 8, 4, 4), 4 * 4 * 8 * 27),
    ("Conv", [(1, 8, 4, 4), (8, 1, 3, 3)], (1, 8, 4, 4), 4 * 4 * 8 * 9),
    ("ConvTranspose", [(1, 6, 4, 4), (6, 2, 3, 3)], (1, 2, 9, 9), 4 * 4 * 6 * 2 * 9),
    ("Gemm", [(2, 5), (5, 7)], (2, 7), 2 * 5 * 7),
    ("Gemm", [(2, 5), (7, 5)], (2, 7), 2 * 5 * 7),
    ("Gemm", [(5, 2), (5, 7)], (2, 7), 2 * 5 * 7),
    ("MatMul", [(3, 2, 5), (5, 7)], (3, 2, 7), 3 * 2 * 5 * 7),
    ("LSTM", [(10, 1, 4), (1, 32, 4), (1, 32, 8)], (10, 1, 1, 8), 10 * (32 * 4 + 32 * 8)),
    ("CONV_2D", [(1, 4, 4, 3), (8, 3, 3, 3)], (1, 4, 4, 8), 4 * 4 * 8 * 27),
    ("DEPTHWISE_CONV_2D", [(1, 4, 4, 8), (1, 3, 3, 8)], (1, 4, 4, 8), 4 * 4 * 8 * 9),
    ("FULLY_CONNECTED", [(2, 5), (7, 5)], (2, 7), 2 * 5 * 7),
    ("TRANSPOSE_CONV", [(4,), (2, 3, 3, 6), (1, 4, 4, 6)], (1, 9, 9, 2), 4 * 4 * 6 * 2 * 9),
    ("BATCH_MATMUL", [(3, 2, 5), (3, 5, 7)], (3, 2, 7), 3 * 2 * 5 * 7),
    ("Relu", [(1, 8, 4, 4)], (1, 8, 4, 4), 0),
]


@pytest.mark.parametrize(("op", "operands", "output", "expected"), CASES)
def test_operators_cost_what_counting_by_hand_gives(
    op: str, operands: Sequence[tuple[int, ...]], output: tuple[int, ...], expected: int
) -> None:
    assert macs(op, operands, output) == expected


@pytest.mark.parametrize("op", ["Conv", "Gemm", "TRANSPOSE_CONV", "LSTM"])
def test_an_unknown_shape_costs_nothing_and_fails_nothing(op: str) -> None:
    assert macs(op, [None, None, None], None) == 0
    assert macs(op, [], (1,)) == 0
