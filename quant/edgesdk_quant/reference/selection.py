"""Comparisons, logic, choosing by a condition or an index."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgesdk_quant import numerics
from edgesdk_quant.reference.call import Call, Kernel, is_quantized
from edgesdk_runtimes.base import Array

COMPARISONS: dict[str, Callable[[Array, Array], Array]] = {
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "LOGICAL_AND": np.logical_and,
    "LOGICAL_OR": np.logical_or,
}


def _compare(call: Call) -> Array:
    sides = [
        numerics.dequantize(call.value(i), call.grid(i))
        if is_quantized(call.tensor(i))
        else call.value(i)
        for i in (0, 1)
    ]
    return np.asarray(COMPARISONS[call.operator.code](*sides))


def logical_not(call: Call) -> Array:
    """LOGICAL_NOT."""
    return np.logical_not(call.value(0))


def select(call: Call) -> Array:
    """SELECT: a condition of rank 1 chooses whole rows; SELECT_V2 broadcasts."""
    condition, yes, no = (call.value(i) for i in range(3))
    if call.operator.code == "SELECT" and condition.ndim == 1 and yes.ndim > 1:
        condition = condition.reshape(-1, *[1] * (yes.ndim - 1))
    return np.where(condition, yes, no).astype(yes.dtype)


def gather(call: Call) -> Array:
    """GATHER: rows of a dimension by index, with leading batch dimensions."""
    x, indices = call.value(0), call.value(1)
    axis, batch = call.number("axis") % x.ndim, call.number("batch_dims")
    _check(indices, x.shape[axis])
    if not batch:
        return np.take(x, indices, axis=axis)
    inner = [
        np.take(x[at], indices[at], axis=axis - batch) for at in np.ndindex(*x.shape[:batch])
    ]
    return np.stack(inner).reshape(*x.shape[:batch], *inner[0].shape)


def _check(indices: Array, size: int) -> None:
    if indices.size and (indices.min() < 0 or indices.max() >= size):
        raise IndexError(f"an index is outside 0 to {size - 1}")


def gather_nd(call: Call) -> Array:
    """GATHER_ND: the last dimension of the indices points into the first ones of x."""
    return call.value(0)[tuple(np.moveaxis(call.value(1), -1, 0))]


def embedding_lookup(call: Call) -> Array:
    """EMBEDDING_LOOKUP: rows of input 1 by the indices of input 0."""
    _check(call.value(0), call.value(1).shape[0])
    return np.take(call.value(1), call.value(0), axis=0)


def one_hot(call: Call) -> Array:
    """ONE_HOT: indices, depth, on value, off value."""
    indices, depth = call.value(0), call.integers(1)[0]
    axis = call.number("axis")
    hit = np.expand_dims(indices, -1) == np.arange(depth)
    hit = np.moveaxis(hit, -1, axis if axis >= 0 else hit.ndim - 1)
    return np.where(hit, call.value(2), call.value(3)).astype(call.value(2).dtype)


def where(call: Call) -> Array:
    """WHERE: positions of what is true, int64 [count, rank]."""
    return np.argwhere(call.value(0)).astype(np.int64)


KERNELS: dict[str, Kernel] = {
    **dict.fromkeys(COMPARISONS, _compare),
    "LOGICAL_NOT": logical_not,
    "SELECT": select,
    "SELECT_V2": select,
    "GATHER": gather,
    "GATHER_ND": gather_nd,
    "EMBEDDING_LOOKUP": embedding_lookup,
    "ONE_HOT": one_hot,
    "WHERE": where,
}
