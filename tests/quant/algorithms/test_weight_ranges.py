"""Ranges of weights: min-max, squared error and OCTAV against slow searches and closed forms."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk_quant.algorithms.octav import clipping_point
from edgesdk_quant.algorithms.weight_ranges import find_parameters
from edgesdk_quant.placement import WeightSite
from edgesdk_quant.recipe import Recipe, WeightRecipe

RNG = np.random.default_rng(0)
BY_CHANNEL = WeightSite("conv", 1, 0, bits=4)


def recipe(**weights: Any) -> Recipe:
    return Recipe("test", weights=dataclasses.replace(WeightRecipe(bits=4), **weights))


@pytest.mark.parametrize("method", ["minmax", "mse", "octav"])
def test_a_weight_within_range_is_at_most_half_a_step_off(method: str) -> None:
    weight = RNG.normal(size=(6, 5, 3, 3))
    found = find_parameters(weight, BY_CHANNEL, recipe(range=method))
    steps = np.asarray(found.scale, np.float64).reshape(6, 1, 1, 1)
    inside = (weight > -8 * steps) & (weight < 7 * steps)
    error = np.abs(found.round_trip(weight) - weight)
    assert (error[inside] <= np.broadcast_to(steps, weight.shape)[inside] * 0.5001).all()


def test_minmax_keeps_every_weight_and_uses_minus_eight() -> None:
    weight = np.array([[-0.8, 0.1], [0.7, -0.2]])
    found = find_parameters(weight, BY_CHANNEL, recipe(range="minmax"))
    assert np.allclose(found.scale, [0.1, 0.1])
    assert found.quantize(weight).astype(int).tolist() == [[-8, 1], [7, -2]]


def test_two_weights_of_seven_bits_fit_a_sum_of_two_unsigned_products_in_int16() -> None:
    weight = RNG.normal(size=(6, 40))
    site = dataclasses.replace(BY_CHANNEL, bits=7)
    stored = find_parameters(weight, site, recipe(bits=7)).quantize(weight)
    assert stored.dtype == np.int8
    assert np.abs(stored.astype(int)).max() == 63
    assert np.iinfo(np.int16).max >= 2 * 63 * 255


def test_each_of_many_rows_is_searched_as_if_it_were_alone() -> None:
    weight = RNG.standard_t(3, size=(300, 500))
    whole = find_parameters(weight, BY_CHANNEL, recipe(range="mse")).scale
    alone = [find_parameters(row[None], BY_CHANNEL, recipe(range="mse")).scale[0] for row in weight]
    assert np.array_equal(whole, alone)


def test_least_squares_is_as_good_as_a_fine_grid_search() -> None:
    weight = RNG.standard_t(3, size=(4, 200))
    found = find_parameters(weight, BY_CHANNEL, recipe(range="mse"))
    ours = ((found.round_trip(weight) - weight) ** 2).sum(axis=1)
    for row, error in zip(weight, ours, strict=True):
        steps = np.linspace(0.01, np.abs(row).max() / 7, 1000)[:, None]
        tried = ((np.clip(np.rint(row / steps), -8, 7) * steps - row) ** 2).sum(axis=1)
        assert error <= tried.min() * 1.02


def test_octav_is_within_a_percent_of_the_least_error_over_clips() -> None:
    rows = RNG.normal(size=(3, 20000))
    clips = clipping_point(rows, 4)
    # Sakr et al. 2022, table 1: a Gaussian's best clip at 4 bits is near 2.5 deviations.
    assert np.abs(clips - 2.5).max() < 0.15


@given(depth=st.integers(1, 70), units=st.integers(1, 5), symmetric=st.booleans())
def test_blocks_share_a_step_along_the_depth(depth: int, units: int, symmetric: bool) -> None:
    weight = np.random.default_rng(depth).normal(size=(depth, units)) + 1
    site = WeightSite("matmul", 1, 1, bits=4, block=32)
    found = find_parameters(weight, site, recipe(range="minmax", symmetric=symmetric))
    assert found.scale.shape == (-(-depth // 32), units)
    blocks = np.repeat(np.asarray(found.scale, np.float64), 32, axis=0)[:depth]
    assert (np.abs(found.round_trip(weight) - weight) <= blocks * 0.501 + 1e-6).all()


def test_a_channel_of_zeros_stays_zero() -> None:
    weight = np.zeros((2, 9))
    weight[1] = 1
    for method in ("minmax", "mse", "octav"):
        found = find_parameters(weight, BY_CHANNEL, recipe(range=method))
        assert not found.round_trip(weight)[0].any()
