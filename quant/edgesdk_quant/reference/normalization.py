"""SOFTMAX, LOG_SOFTMAX and L2_NORMALIZATION over the last dimension."""

from __future__ import annotations

import numpy as np

from edgesdk_quant import numerics
from edgesdk_quant.reference.call import Call, Kernel
from edgesdk_runtimes.base import Array


def softmax(call: Call) -> Array:
    """exp(beta * x) / sum exp(beta * x)."""
    x, beta = call.value(0), call.real("beta")
    if call.quantized and x.dtype.itemsize == 1:
        return numerics.softmax(x, beta, call.grid(0), call.out())
    if call.quantized:
        return numerics.softmax_16(x, beta, call.grid(0), call.out())
    terms = np.exp((x - x.max(axis=-1, keepdims=True)) * x.dtype.type(beta))
    return np.asarray(terms / terms.sum(axis=-1, keepdims=True))


def log_softmax(call: Call) -> Array:
    """x - log sum exp(x)."""
    x = call.value(0)
    if call.quantized:
        return numerics.log_softmax(x, call.grid(0), call.out())
    below = x - x.max(axis=-1, keepdims=True)
    return np.asarray(below - np.log(np.exp(below).sum(axis=-1, keepdims=True)))


def l2_normalization(call: Call) -> Array:
    """x / sqrt(sum x^2), the root bounded below by 1e-6."""
    x = call.value(0)
    if call.quantized:
        real = numerics.dequantize(x, call.grid(0)).astype(np.float64)
        length = np.maximum(np.sqrt((real * real).sum(axis=-1, keepdims=True)), 1e-6)
        return numerics.quantize((real / length).astype(np.float32), call.out())
    length = np.maximum(np.sqrt((x * x).sum(axis=-1, keepdims=True)), x.dtype.type(1e-6))
    return np.asarray(call.activate(x / length))


KERNELS: dict[str, Kernel] = {
    "SOFTMAX": softmax,
    "LOG_SOFTMAX": log_softmax,
    "L2_NORMALIZATION": l2_normalization,
}
