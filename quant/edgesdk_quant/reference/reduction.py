"""Pools, reductions and softmax."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgesdk_quant import numerics
from edgesdk_quant.reference.context import Context
from edgesdk_quant.reference.windows import windows
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

FLOAT_REDUCTIONS: dict[str, Callable[..., Array]] = {
    "MEAN": np.mean,
    "SUM": np.sum,
    "REDUCE_MAX": np.max,
    "REDUCE_MIN": np.min,
    "REDUCE_PROD": np.prod,
}


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
    return [context.result_grid().clamp(numerics.average(total, count))]


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
    if code == "MEAN" and context.result().type != "INT16":
        return [numerics.mean(x, axes, keep, context.grid(0), context.result_grid())]
    if code in ("REDUCE_MAX", "REDUCE_MIN"):
        return [np.asarray(FLOAT_REDUCTIONS[code](x, axis=axes, keepdims=keep))]
    raise UnsupportedError(f"{code} of {context.result().type} values")


def softmax(context: Context) -> list[Array]:
    """SOFTMAX over the last dimension."""
    x, beta = context.value(0), context.number("beta", 1.0)
    if not context.quantized:
        terms = np.exp((x - x.max(axis=-1, keepdims=True)) * np.float32(beta))
        return [terms / terms.sum(axis=-1, keepdims=True)]
    if context.result().type == "INT16":
        raise UnsupportedError("SOFTMAX of 16-bit values")
    return [numerics.softmax(x, beta, context.grid(0), context.result_grid())]


def log_softmax(context: Context) -> list[Array]:
    """LOG_SOFTMAX of floats."""
    x = context.value(0)
    if context.quantized:
        raise UnsupportedError("LOG_SOFTMAX of integers")
    shifted = x - x.max(axis=-1, keepdims=True)
    return [shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))]


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
    "LOG_SOFTMAX": log_softmax,
    "MAX_POOL_2D": max_pool,
    "SOFTMAX": softmax,
}
