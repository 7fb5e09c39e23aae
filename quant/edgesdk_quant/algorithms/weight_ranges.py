"""The step of each channel, block or tensor of weights, by the method that a recipe names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgesdk_quant.algorithms.octav import clipping_point
from edgesdk_quant.placement import WeightSite
from edgesdk_quant.recipe import Recipe
from edgesdk_quant.scheme import ASYMMETRIC_WEIGHTS, WEIGHTS, Affine, Scheme, weight_parameters

# Shares of the whole range that "mse" tries; fewer bits gain by more clipping.
FRACTIONS = {
    8: np.linspace(1.0, 0.5, 26),
    7: np.linspace(1.0, 0.5, 26),
    4: np.linspace(1.0, 0.35, 66),
}
# Weights that are searched at a time: with what is made of them they stay in cache.
CACHED = 1 << 15


@dataclass(frozen=True)
class Cut:
    """How weights are cut into rows that share a step.

    Attributes:
        rows: float64 [R, K]; blocks that the depth does not fill end in zeros.
        shape: shape of the steps.
        axis: as in `Affine`.
        block: as in `Affine`.
    """

    rows: NDArray[np.float64]
    shape: tuple[int, ...]
    axis: int | None
    block: int = 0


def find_parameters(
    weight: NDArray[np.generic], site: WeightSite, recipe: Recipe, method: str = ""
) -> Affine:
    """Parameters of a layer's weights.

    Args:
        weight: float array of any shape; of two dimensions where the site has blocks.
        site: where they are.
        recipe: names granularity, symmetry and method.
        method: instead of the recipe's; "" is the recipe's.
    """
    method = method or recipe.override_for(site.node).weight_range or recipe.weights.range
    parts = cut(weight, site, per_tensor=recipe.weights.granularity == "tensor")
    scheme = (WEIGHTS if recipe.weights.symmetric else ASYMMETRIC_WEIGHTS)[site.bits]
    steps, zeros = METHODS[method](parts.rows, scheme, site.bits)
    zero = None if scheme.symmetric else zeros.reshape(parts.shape)
    return weight_parameters(steps.reshape(parts.shape), parts.axis, site.bits, parts.block, zero)


def cut(weight: NDArray[np.generic], site: WeightSite, *, per_tensor: bool = False) -> Cut:
    """Bring what shares a step into one row."""
    if site.block:
        return _blocks(np.asarray(weight, np.float64), 1 - site.axis, site.block)
    if per_tensor:
        return Cut(np.asarray(weight, np.float64).reshape(1, -1), (), None)
    channels = weight.shape[site.axis]
    rows = np.moveaxis(np.asarray(weight, np.float64), site.axis, 0).reshape(channels, -1)
    return Cut(rows, (channels,), site.axis)


def _blocks(weight: NDArray[np.float64], depth: int, block: int) -> Cut:
    padding = [(0, 0), (0, 0)]
    padding[depth] = (0, -weight.shape[depth] % block)
    filled = np.moveaxis(np.pad(weight, padding), depth, -1)
    count = filled.shape[1] // block
    rows = filled.reshape(-1, count, block)  # [N, K / block, block]
    shape = (count, len(filled)) if depth == 0 else (len(filled), count)
    ordered = rows.swapaxes(0, 1) if depth == 0 else rows
    return Cut(ordered.reshape(-1, block), shape, depth, block)


Steps = tuple[NDArray[np.float64], NDArray[np.float64]]


def _minmax(rows: NDArray[np.float64], scheme: Scheme, bits: int) -> Steps:
    return _at(rows, scheme, 1.0)


def _octav(rows: NDArray[np.float64], scheme: Scheme, bits: int) -> Steps:
    limits = np.maximum(np.abs(rows).max(axis=1), np.finfo(np.float64).tiny)
    share = clipping_point(rows, bits) / limits
    return _at(rows, scheme, np.minimum(share, 1.0))


def _mse(rows: NDArray[np.float64], scheme: Scheme, bits: int) -> Steps:
    """Exhaustive search over shares of the range, row by row."""
    parts = np.array_split(rows, max(1, min(len(rows), rows.size // CACHED)))
    steps, zeros = zip(*(_search(part, scheme, bits) for part in parts), strict=True)
    return np.concatenate(steps), np.concatenate(zeros)


def _search(rows: NDArray[np.float64], scheme: Scheme, bits: int) -> Steps:
    steps, zeros = _at(rows, scheme, 1.0)
    least = np.full(len(rows), math.inf)
    for fraction in FRACTIONS[bits]:
        tried, zero = _at(rows, scheme, fraction)
        error = squared_error(rows, tried, zero, scheme)
        better = error < least
        steps[better], zeros[better], least[better] = tried[better], zero[better], error[better]
    return steps, zeros


METHODS: Mapping[str, Callable[[NDArray[np.float64], Scheme, int], Steps]] = {
    "minmax": _minmax,
    "mse": _mse,
    "octav": _octav,
}


def _at(rows: NDArray[np.float64], scheme: Scheme, share: float | NDArray[np.float64]) -> Steps:
    """Steps and zero points that keep this share of each row's range."""
    low, high = np.minimum(rows.min(axis=1), 0) * share, np.maximum(rows.max(axis=1), 0) * share
    if scheme.symmetric:
        steps = np.maximum(high / scheme.high, low / scheme.low)
        return steps, np.zeros(len(rows))
    steps = (high - low) / (scheme.high - scheme.low)
    zeros = np.rint(scheme.low - low / np.maximum(steps, np.finfo(np.float64).tiny))
    return steps, np.clip(zeros, scheme.low, scheme.high)


def squared_error(
    rows: NDArray[np.float64],
    steps: NDArray[np.float64],
    zeros: NDArray[np.float64],
    scheme: Scheme,
) -> NDArray[np.float64]:
    """float64 [R], summed over each row of [R, K]."""
    step, zero = np.maximum(steps, np.finfo(np.float64).tiny)[:, None], zeros[:, None]
    stored = np.clip(np.rint(rows / step) + zero, scheme.low, scheme.high)
    return np.asarray((((stored - zero) * step - rows) ** 2).sum(axis=1))
