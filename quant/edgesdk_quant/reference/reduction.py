"""Pools, reductions and softmax."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgesdk_quant import numerics, numerics16, tables16
from edgesdk_quant.numerics import Grid
from edgesdk_quant.reference.context import Context
from edgesdk_quant.reference.windows import windows
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

f32 = np.float32
FLOAT_REDUCTIONS: dict[str, Callable[..., Array]] = {
    "MEAN": np.mean,
    "SUM": np.sum,
    "REDUCE_MAX": np.max,
    "REDUCE_MIN": np.min,
    "REDUCE_PROD": np.prod,
    "REDUCE_ANY": np.any,
    "REDUCE_ALL": np.all,
}
Rule = Callable[[Array, tuple[int, ...], bool, Grid, Grid], Array]
INT8_RULES: dict[str, Rule] = {"MEAN": numerics.mean, "SUM": numerics.reduce_sum}
INT16_RULES: dict[str, Rule] = {"MEAN": numerics16.mean, "SUM": numerics16.reduce_sum}


def average_pool(context: Context) -> list[Array]:
    """AVERAGE_POOL_2D over the pixels that lie inside."""
    x = context.value(0)
    kernel = context.integer("filter_height"), context.integer("filter_width")
    ones = np.ones((1, *x.shape[1:3], 1), np.int64)
    count = windows(context, ones, kernel, 0).sum(axis=(-2, -1))
    if not context.quantized:
        total = windows(context, x, kernel, 0.0).sum(axis=(-2, -1), dtype=np.float32)
        return [context.activated(total / count.astype(np.float32))]
    total = windows(context, x.astype(np.int64), kernel, 0).sum(axis=(-2, -1))
    return [context.result_grid(0, numerics.away).clamp(numerics.average(total, count))]


def max_pool(context: Context) -> list[Array]:
    """MAX_POOL_2D."""
    x = context.value(0)
    kernel = context.integer("filter_height"), context.integer("filter_width")
    if not context.quantized:
        return [context.activated(windows(context, x, kernel, -np.inf).max(axis=(-2, -1)))]
    lowest = int(np.iinfo(x.dtype).min)
    largest = windows(context, x, kernel, lowest).max(axis=(-2, -1))
    return [context.result_grid().clamp(largest)]


def reduce(context: Context) -> list[Array]:
    """MEAN, SUM and the like over constant axes."""
    code, x = context.operator.code, context.value(0)
    axes = tuple(int(axis) % x.ndim for axis in np.atleast_1d(context.value(1)))
    keep = bool(context.integer("keep_dims"))
    if not context.quantized:
        return [np.asarray(FLOAT_REDUCTIONS[code](x, axis=axes, keepdims=keep), x.dtype)]
    if code in ("REDUCE_MAX", "REDUCE_MIN"):
        return [np.asarray(FLOAT_REDUCTIONS[code](x, axis=axes, keepdims=keep))]
    rules = INT16_RULES if context.result().type == "INT16" else INT8_RULES
    if code not in rules:
        raise UnsupportedError(f"{code} of {context.result().type} values is not computed")
    return [rules[code](x, axes, keep, context.grid(0), context.result_grid())]


def softmax(context: Context) -> list[Array]:
    """SOFTMAX over the last dimension."""
    x, beta = context.value(0), context.number("beta", 1.0)
    if not context.quantized:
        return [_softmax(x, f32(beta))]
    grid, out = context.grid(0), context.result_grid()
    if out.type == "INT16":
        return [out.clamp(tables16.softmax(x, beta, grid, out))]
    return [numerics.softmax(x, beta, grid, out)]


def _softmax(x: Array, beta: float | np.float32) -> Array:
    terms = np.exp((x - x.max(axis=-1, keepdims=True)) * beta)
    return np.asarray(terms / terms.sum(axis=-1, keepdims=True))


def log_softmax(context: Context) -> list[Array]:
    """LOG_SOFTMAX over the last dimension."""
    x = context.value(0)
    if not context.quantized:
        return [_log_softmax(x)]
    grid, out = context.grid(0), context.result_grid()
    if out.type == "INT16":
        return [numerics16.through_reals(_log_softmax, x, grid, out)]
    return [numerics.log_softmax(x, grid, out)]


def _log_softmax(x: Array) -> Array:
    shifted = x - x.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def l2_normalization(context: Context) -> list[Array]:
    """L2_NORMALIZATION over the last dimension; floats bound the length below by 1e-6."""
    x = context.value(0)
    if context.quantized:
        return [numerics.l2_normalization(x, context.grid(0), context.result_grid())]
    length = np.sqrt(np.square(x).sum(axis=-1, keepdims=True))
    return [context.activated(x / np.maximum(length, f32(1e-6)))]


def l2_pool(context: Context) -> list[Array]:
    """L2_POOL_2D: root of the mean square of the pixels that lie inside; floats only."""
    x = context.value(0)
    kernel = context.integer("filter_height"), context.integer("filter_width")
    ones = np.ones((1, *x.shape[1:3], 1), f32)
    count = windows(context, ones, kernel, 0).sum(axis=(-2, -1))
    total = windows(context, np.square(x), kernel, 0).sum(axis=(-2, -1))
    return [context.activated(np.sqrt(total / count))]


def cumsum(context: Context) -> list[Array]:
    """CUMSUM along one dimension; `exclusive` leaves the element itself out."""
    x, axis = context.value(0), context.numbers(1)[0]
    x = np.flip(x, axis) if context.integer("reverse") else x
    total = np.cumsum(x, axis=axis, dtype=x.dtype)
    total = total - x if context.integer("exclusive") else total
    return [np.flip(total, axis) if context.integer("reverse") else total]


def arg_extreme(context: Context) -> list[Array]:
    """ARG_MAX and ARG_MIN."""
    pick = np.argmax if context.operator.code == "ARG_MAX" else np.argmin
    dtype = np.int64 if context.text("output_type") == "INT64" else np.int32
    return [np.asarray(pick(context.value(0), axis=int(context.value(1).ravel()[0])), dtype)]


OPERATORS = {
    **dict.fromkeys(FLOAT_REDUCTIONS, reduce),
    "ARG_MAX": arg_extreme,
    "ARG_MIN": arg_extreme,
    "AVERAGE_POOL_2D": average_pool,
    "CUMSUM": cumsum,
    "L2_NORMALIZATION": l2_normalization,
    "L2_POOL_2D": l2_pool,
    "LOG_SOFTMAX": log_softmax,
    "MAX_POOL_2D": max_pool,
    "SOFTMAX": softmax,
}
