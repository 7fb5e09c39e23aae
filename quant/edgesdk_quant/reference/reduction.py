"""Operators that take dimensions away, and those that look along one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgesdk_quant import numerics
from edgesdk_quant.reference.call import Call, Kernel
from edgesdk_runtimes.base import Array

REDUCERS: dict[str, Callable[..., Array]] = {
    "MEAN": np.mean,
    "SUM": np.sum,
    "REDUCE_PROD": np.prod,
    "REDUCE_MAX": np.max,
    "REDUCE_MIN": np.min,
    "REDUCE_ANY": np.any,
    "REDUCE_ALL": np.all,
}
# Stored values compare as real ones do.
ORDER_ONLY = frozenset({"REDUCE_MAX", "REDUCE_MIN"})


def _axes(call: Call) -> tuple[int, ...]:
    rank = call.value(0).ndim
    return tuple(sorted({axis % rank for axis in call.integers(1)})) if rank else ()


def _reduce(call: Call) -> Array:
    code, x = call.operator.code, call.value(0)
    axes, keep = _axes(call), bool(call.number("keep_dims"))
    if call.quantized and code not in ORDER_ONLY:
        if code == "MEAN":
            return numerics.mean(x, axes, keep, call.grid(0), call.out())
        real = numerics.dequantize(x, call.grid(0))
        return numerics.quantize(REDUCERS[code](real, axis=axes, keepdims=keep), call.out())
    if code == "MEAN" and x.dtype.kind == "i":
        total = np.sum(x, axis=axes, keepdims=keep, dtype=np.int64)
        count = x.size // max(total.size, 1)
        return (np.sign(total) * (np.abs(total) // count)).astype(x.dtype)
    return np.asarray(REDUCERS[code](x, axis=axes, keepdims=keep)).astype(x.dtype)


def _arg(call: Call) -> Array:
    find = np.argmax if call.operator.code == "ARG_MAX" else np.argmin
    dtype = np.int64 if call.outputs[0].type == "INT64" else np.int32
    return np.asarray(find(call.value(0), axis=call.integers(1)[0])).astype(dtype)


def cumsum(call: Call) -> Array:
    """CUMSUM along one dimension; `exclusive` leaves the element itself out."""
    x, axis = call.value(0), call.integers(1)[0]
    x = np.flip(x, axis) if call.number("reverse") else x
    total = np.cumsum(x, axis=axis, dtype=x.dtype)
    total = total - x if call.number("exclusive") else total
    return np.flip(total, axis) if call.number("reverse") else total


def top_k(call: Call) -> tuple[Array, Array]:
    """TOPK_V2: the k largest along the last dimension, the first of equals first."""
    x, k = call.value(0), call.integers(1)[0]
    last = x.shape[-1] - 1
    order = last - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1][..., :k]
    return np.take_along_axis(x, order, axis=-1), order.astype(np.int32)


KERNELS: dict[str, Kernel] = {
    **dict.fromkeys(REDUCERS, _reduce),
    "ARG_MAX": _arg,
    "ARG_MIN": _arg,
    "CUMSUM": cumsum,
    "TOPK_V2": top_k,
}
