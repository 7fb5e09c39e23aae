"""The integer semantics against exact arithmetic: Python's integers, fractions and float64."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgesdk_quant import numerics
from edgesdk_quant.numerics import LIMITS, Grid

f32 = np.float32
scales = st.floats(2.0**-13, 1.0, width=32).map(f32)
seeds = st.integers(0, 2**32 - 1)
bytes_of = st.sampled_from(["INT8", "UINT8"])
wide = st.sampled_from(["INT8", "UINT8", "INT16"])


def grid(kind: str, scale: float, zero_point: int = 0) -> Grid:
    low, high = LIMITS[kind]
    return Grid(kind, f32(scale), zero_point, low, high)


def random_grid(kind: str, scale: float, rng: np.random.Generator) -> Grid:
    low, high = LIMITS[kind]
    return grid(kind, scale, 0 if kind == "INT16" else int(rng.integers(low, high + 1)))


def values(kind: str, rng: np.random.Generator, count: int = 200) -> NDArray[np.int64]:
    return rng.integers(LIMITS[kind][0], LIMITS[kind][1] + 1, count)


def real(stored: NDArray[np.integer], of: Grid) -> NDArray[np.float64]:
    """What stored values mean, exact in float64."""
    return (stored.astype(np.float64) - of.zero_point) * float(of.scale)


def steps_apart(
    stored: NDArray[np.integer], exact: NDArray[np.float64], of: Grid
) -> NDArray[np.float64]:
    """Distance of results from the exact value in steps, where that lies inside the range."""
    ideal = exact / float(of.scale) + of.zero_point
    return np.asarray(np.abs(stored - np.clip(ideal, of.low, of.high)))


@given(scale=scales, kind=wide, seed=seeds)
def test_quantize_is_at_most_half_a_step_away(scale: f32, kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    out = random_grid(kind, float(scale), rng)
    x = (rng.normal(size=200) * 100 * float(scale)).astype(f32)
    assert steps_apart(numerics.quantize(x, out), x.astype(np.float64), out).max() <= 0.501


@given(scale=scales, kind=wide, seed=seeds)
def test_dequantize_then_quantize_changes_nothing(scale: f32, kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    of = random_grid(kind, float(scale), rng)
    stored = values(kind, rng).astype(numerics.DTYPES[kind])
    assert np.array_equal(numerics.quantize(numerics.dequantize(stored, of), of), stored)


def test_ties_go_to_the_even_step_and_nan_to_the_zero_point() -> None:
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, np.nan, np.inf, -np.inf], f32)
    assert numerics.quantize(x, grid("INT8", 1)).tolist() == [0, 2, 2, 0, -2, 0, 127, -128]


@given(seed=seeds)
def test_requantize_is_the_float32_product_rounded_once(seed: int) -> None:
    """Against the same two roundings made by hand with Python's fractions."""
    rng = np.random.default_rng(seed)
    accumulator = rng.integers(-(2**24), 2**24, (50, 3))
    factors = (2.0 ** rng.uniform(-20, -8, 3)).astype(f32)
    out = random_grid("INT8", 1.0, rng)
    expected = [
        [
            min(max(round(Fraction(float(f32(a) * f))) + out.zero_point, -128), 127)
            for a, f in zip(row, factors, strict=True)
        ]
        for row in accumulator
    ]
    assert np.array_equal(numerics.requantize(accumulator, factors, out), expected)


def test_a_pruned_channel_gives_real_zero() -> None:
    tiny = np.array([2.0**-40], f32)
    out = grid("INT8", 1, 5)
    assert numerics.requantize(np.array([[2**31 - 1]]), tiny, out).tolist() == [[5]]


@given(kind=bytes_of, sign=st.sampled_from([1, -1]), seed=seeds)
def test_add_and_sub_are_within_a_step(kind: str, sign: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, out = (random_grid(kind, rng.uniform(0.01, 0.05), rng) for _ in range(3))
    x, y = values(kind, rng), values(kind, rng)
    found = numerics.add(x, a, y, b, out, sign)
    assert steps_apart(found, real(x, a) + sign * real(y, b), out).max() <= 0.51


@given(kind=bytes_of, seed=seeds)
def test_a_product_is_the_nearest_step(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, out = (random_grid(kind, rng.uniform(0.01, 0.05), rng) for _ in range(3))
    x, y = values(kind, rng), values(kind, rng)
    found = numerics.multiply(x, a, y, b, out)
    assert steps_apart(found, real(x, a) * real(y, b), out).max() <= 0.501


@given(kind=bytes_of, seed=seeds, rows=st.integers(1, 400))
def test_means_and_sums_are_the_nearest_step(kind: str, seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    of = random_grid(kind, 0.02, rng)
    mean, total = (random_grid(kind, 0.02 * factor, rng) for factor in (0.7, rows))
    x = values(kind, rng, rows * 5).reshape(rows, 5)
    found = numerics.mean(x, (0,), False, of, mean)
    assert steps_apart(found, real(x, of).mean(0), mean).max() <= 0.51
    found = numerics.reduce_sum(x, (0,), False, of, total)
    assert steps_apart(found, real(x, of).sum(0), total).max() <= 0.51


@given(seed=seeds, scale=st.floats(0.01, 0.3))
def test_softmax_is_within_a_step_of_the_exact_one(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    of, out = random_grid("INT8", scale, rng), grid("INT8", 1 / 256, -128)
    x = values("INT8", rng, 60).astype(np.int8).reshape(6, 10)
    powers = np.exp(real(x, of) - real(x, of).max(axis=1, keepdims=True))
    exact = powers / powers.sum(axis=1, keepdims=True)
    assert steps_apart(numerics.softmax(x, 1.0, of, out), exact, out).max() <= 0.51


@given(seed=seeds, scale=st.floats(0.01, 0.3))
def test_log_softmax_is_within_a_step_of_the_exact_one(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    of, out = random_grid("INT8", scale, rng), grid("INT8", 16 / 256, 127)
    x = values("INT8", rng, 60).astype(np.int8).reshape(6, 10)
    shifted = real(x, of) - real(x, of).max(axis=1, keepdims=True)
    exact = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    assert steps_apart(numerics.log_softmax(x, of, out), exact, out).max() <= 0.51


@given(seed=seeds)
def test_l2_normalization_gives_rows_of_length_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    of, out = random_grid("INT8", 0.1, rng), grid("INT8", 1 / 128)
    x = np.vstack([values("INT8", rng, 40).reshape(4, 10), np.full((1, 10), of.zero_point)])
    length = np.linalg.norm(real(x, of), axis=1, keepdims=True)
    exact = np.divide(real(x, of), length, out=np.zeros(x.shape), where=length > 0)
    assert steps_apart(numerics.l2_normalization(x, of, out), exact, out).max() <= 0.51


@given(value=st.floats(-1e6, 1e6))
def test_away_rounds_ties_away_from_zero(value: float) -> None:
    exact = math.copysign(math.floor(abs(Fraction(value)) + Fraction(1, 2)), value)
    assert float(numerics.away(np.array(value))) == exact


@given(value=st.floats(2.0**-30, 2.0**20))
def test_a_fixed_point_multiplier_has_31_bits(value: float) -> None:
    multiplier, exponent = numerics.fixed_point(value)
    assert 2**30 <= multiplier < 2**31
    assert abs(multiplier * Fraction(2) ** (exponent - 31) / Fraction(value) - 1) <= Fraction(
        1, 2**31
    )


@given(value=st.integers(-(2**31), 2**31 - 1), factor=st.floats(2.0**-20, 0.999))
def test_multiply_fixed_is_what_the_definition_says(value: int, factor: float) -> None:
    """docs/NUMERICS.md, mulfix, in Python's unbounded integers."""
    multiplier, exponent = numerics.fixed_point(factor)
    product = value * multiplier
    nudged = product + (2**30 if product >= 0 else 1 - 2**30)
    high = abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)
    away = (2 * abs(high) + 2**-exponent) // (2 * 2**-exponent) * (1 if high >= 0 else -1)
    assert int(numerics.multiply_fixed(np.array(value), factor)) == away


@given(value=st.integers(-(2**40), 2**40), factor=st.floats(2.0**-20, 0.999))
def test_multiply_fixed_wide_keeps_sixteen_bits_of_the_factor(value: int, factor: float) -> None:
    found = int(numerics.multiply_fixed_wide(np.array(value), factor))
    assert abs(found - Fraction(factor) * value) <= abs(Fraction(factor) * value) / 2**14 + 1


@given(kind=wide, target=wide, seed=seeds, factor=st.floats(0.3, 3))
def test_rescale_rounds_twice(kind: str, target: str, seed: int, factor: float) -> None:
    """To a half and then to a whole: at most a quarter and a half of a step away."""
    rng = np.random.default_rng(seed)
    of, out = random_grid(kind, 0.02, rng), random_grid(target, 0.02 * factor, rng)
    x = values(kind, rng)
    assert steps_apart(numerics.rescale(x, of, out), real(x, of), out).max() <= 0.76


@given(seed=seeds, slope=st.floats(0.05, 1.0))
def test_prelu_multiplies_only_what_is_negative(seed: int, slope: float) -> None:
    rng = np.random.default_rng(seed)
    of, out = random_grid("INT8", 0.02, rng), random_grid("INT8", 0.02, rng)
    alpha, slopes = grid("INT8", slope / 127), np.full(200, 127)
    x = values("INT8", rng)
    exact = np.where(real(x, of) >= 0, real(x, of), real(x, of) * real(slopes, alpha))
    assert steps_apart(numerics.prelu(x, of, slopes, alpha, out), exact, out).max() <= 0.51


@given(seed=seeds)
def test_squared_differences_are_within_two_steps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (random_grid("INT8", rng.uniform(0.01, 0.02), rng) for _ in range(2))
    out = grid("INT8", 0.2, -128)
    x, y = values("INT8", rng), values("INT8", rng)
    found = numerics.squared_difference(x, a, y, b, out)
    assert steps_apart(found, np.square(real(x, a) - real(y, b)), out).max() <= 2


@given(total=st.integers(-(2**20), 2**20), count=st.integers(1, 500))
def test_averages_round_ties_away_from_zero(total: int, count: int) -> None:
    exact = Fraction(total, count)
    expected = math.copysign(math.floor(abs(exact) + Fraction(1, 2)), total)
    assert int(numerics.average(np.array(total), np.array(count))) == expected


@given(kind=bytes_of, seed=seeds)
def test_a_concatenated_value_is_regridded_to_the_nearest_step(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    of, out = random_grid(kind, 0.02, rng), random_grid(kind, 0.03, rng)
    x = values(kind, rng)
    assert steps_apart(numerics.regrid(x, of, out), real(x, of), out).max() <= 0.501


@pytest.mark.parametrize("kind", ["INT8", "UINT8"])
def test_a_lookup_table_begins_at_the_smallest_value(kind: str) -> None:
    low, high = LIMITS[kind]
    x = np.array([low, 0, high]).astype(numerics.DTYPES[kind])
    table = np.arange(256) * 2
    assert numerics.lookup(x, table).tolist() == [0, -2 * low, 510]


@given(st.lists(st.integers(-8, 7), max_size=20))
def test_int4_packs_two_a_byte_low_nibble_first(numbers: list[int]) -> None:
    packed = numerics.pack_int4(np.array(numbers, np.int8))
    nibbles = [n & 15 for n in numbers] + [0] * (len(numbers) % 2)
    pairs = zip(nibbles[0::2], nibbles[1::2], strict=True)
    assert packed.tolist() == [low + 16 * high for low, high in pairs]
    assert numerics.unpack_int4(packed, len(numbers)).tolist() == numbers
