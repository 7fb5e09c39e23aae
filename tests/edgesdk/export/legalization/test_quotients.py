"""int64 quotients of places run on every runtime; others stay what they are."""

from __future__ import annotations

import numpy as np
import pytest

from tests.edgesdk.export.judged import codes, judge


def test_rows_and_columns_of_the_highest_scores() -> None:
    lowered = judge(
        """(float[1,48] x) => (int64[1,5] row, int64[1,5] column) {
            v, i = TopK(x, k) row = Div(i, width) column = Mod(i, width)
        }""",
        k=np.array([5]),
        width=np.array(8),
    )
    assert "DIV" in codes(lowered)


@pytest.mark.native
def test_numbers_that_may_be_large_are_divided_in_64_bits() -> None:
    numbers = np.array([7, -7, 2**40 + 5, -(2**40)], np.int64)
    text = "(int64[4] x, float[4] z) => (int64[4] y, float[4] n) { y = Div(x, three) n = Neg(z) }"
    judge(text, {"x": numbers, "z": np.ones(4, np.float32)}, three=np.array(3), runtimes=["native"])


@pytest.mark.native
def test_the_rest_of_a_small_number_may_be_large() -> None:
    numbers = np.array([3, -1, -7, 20], np.int32)
    text = """(int32[4] x, float[4] z) => (int64[4] y, float[4] n) {
        wide = Cast <to = 7> (x) rest = Mod(wide, large) y = Div(rest, three) n = Neg(z)
    }"""
    inputs = {"x": numbers, "z": np.ones(4, np.float32)}
    judge(text, inputs, runtimes=["native"], large=np.array(2**40), three=np.array(3))
