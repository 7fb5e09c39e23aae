"""Operators that choose, number and make values: by condition, by index, by shape."""

from __future__ import annotations

import numpy as np

from edgesdk_quant.reference.context import Context
from edgesdk_quant.tflite.constants import DTYPES
from edgesdk_quant.tflite.model import Quantization
from edgesdk_runtimes.base import Array


def select(context: Context) -> list[Array]:
    """SELECT, where a condition of rank 1 takes whole rows, and SELECT_V2, which broadcasts."""
    condition, yes, no = (context.value(i) for i in range(3))
    if context.operator.code == "SELECT" and condition.ndim == 1 and yes.ndim > 1:
        condition = condition.reshape(-1, *[1] * (yes.ndim - 1))
    return [np.where(condition, yes, no)]


def gather(context: Context) -> list[Array]:
    """GATHER along a dimension; the first batch_dims dimensions go side by side."""
    x, indices = context.value(0), context.value(1)
    axis, batch = context.integer("axis") % x.ndim, context.integer("batch_dims")
    _check(indices, x.shape[axis])
    if not batch:
        return [np.take(x, indices, axis=axis)]
    lead = x.shape[:batch]
    rows = [np.take(x[at], indices[at], axis=axis - batch) for at in np.ndindex(*lead)]
    return [np.stack(rows).reshape(*lead, *rows[0].shape)]


def gather_nd(context: Context) -> list[Array]:
    """GATHER_ND: the last dimension of the indices points into the first ones of x."""
    x, indices = context.value(0), context.value(1)
    for axis in range(indices.shape[-1]):
        _check(indices[..., axis], x.shape[axis])
    return [x[tuple(np.moveaxis(indices, -1, 0))]]


def embedding_lookup(context: Context) -> list[Array]:
    """EMBEDDING_LOOKUP: rows of input 1 by the indices of input 0, as floats where asked for."""
    indices, rows = context.value(0), context.value(1)
    _check(indices, rows.shape[0])
    picked, scheme = np.take(rows, indices, axis=0), context.tensor(1).quantization
    if scheme is None or context.result().type == context.tensor(1).type:
        return [picked]
    return [_widened(picked, scheme, indices)]


def _widened(rows: Array, scheme: Quantization, indices: Array) -> Array:
    """Stored rows as floats; the scale belongs to the table, to its rows or to their blocks."""
    scale, zero = scheme.scale, scheme.zero_point.astype(np.float32)
    if scale.size > 1:
        scale, zero = np.take(scale, indices, axis=0), np.take(zero, indices, axis=0)
    count = scale.shape[-1] if scheme.block else 1
    parts = rows.reshape(len(rows), count, -1).astype(np.float32)
    real = (parts - zero.reshape(-1, count, 1)) * scale.reshape(-1, count, 1).astype(np.float32)
    return np.asarray(real.reshape(rows.shape))


def _check(indices: Array, size: int) -> None:
    if indices.size and (indices.min() < 0 or indices.max() >= size):
        raise IndexError(f"an index is outside of 0 to {size - 1}")


def one_hot(context: Context) -> list[Array]:
    """ONE_HOT: indices, depth, the value at the index, the value elsewhere."""
    axis = context.integer("axis")
    hit = np.expand_dims(context.value(0), -1) == np.arange(context.numbers(1)[0])
    hit = np.moveaxis(hit, -1, axis)
    return [np.where(hit, context.value(2), context.value(3))]


def top_k(context: Context) -> list[Array]:
    """TOPK_V2: the k largest of the last dimension; of equals, the first comes first."""
    x, k = context.value(0), context.numbers(1)[0]
    order = np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1][..., :k]
    order = x.shape[-1] - 1 - order
    return [np.take_along_axis(x, order, axis=-1), order.astype(np.int32)]


def shape(context: Context) -> list[Array]:
    """SHAPE."""
    return [np.array(context.value(0).shape, DTYPES[context.result().type])]


def rank(context: Context) -> list[Array]:
    """RANK."""
    return [np.array(context.value(0).ndim, np.int32)]


def fill(context: Context) -> list[Array]:
    """FILL: sizes, value."""
    return [np.full(context.numbers(0), context.value(1))]


def range_(context: Context) -> list[Array]:
    """RANGE: start, limit, step."""
    start, limit, step = (context.value(i).item() for i in range(3))
    return [np.arange(start, limit, step).astype(context.value(0).dtype)]


OPERATORS = {
    "EMBEDDING_LOOKUP": embedding_lookup,
    "FILL": fill,
    "GATHER": gather,
    "GATHER_ND": gather_nd,
    "ONE_HOT": one_hot,
    "RANGE": range_,
    "RANK": rank,
    "SELECT": select,
    "SELECT_V2": select,
    "SHAPE": shape,
    "TOPK_V2": top_k,
}
