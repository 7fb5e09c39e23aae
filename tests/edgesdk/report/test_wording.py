"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from edgesdk.report.wording import MISSING, count, decibel, in_bytes, percent, shape_text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (999, "999"), (4_631_002, "4.63 M"), (1_810_000_000, "1.81 G")]
)
def test_large_numbers_have_three_digits(number: int, text: str) -> None:
    assert count(number) == text


@pytest.mark.parametrize(("size", "text"), [(5, "5 B"), (1500, "1.5 kB"), (4_945_280, "4.95 MB")])
def test_sizes_are_decimal(size: int, text: str) -> None:
    assert in_bytes(size) == text


def test_what_is_missing_is_a_dash() -> None:
    assert decibel(None) == decibel(math.nan) == percent(None) == MISSING


def test_no_noise_is_exact() -> None:
    assert decibel(math.inf) == "exact"


def test_open_dimensions_are_question_marks() -> None:
    assert shape_text((None, 3)).startswith("?")
    assert shape_text(()) == "scalar"
    assert shape_text(None) == ""
