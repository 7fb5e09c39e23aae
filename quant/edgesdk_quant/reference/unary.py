"""Operators on each element alone; 8-bit ones are tables made from the real function."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgesdk_quant import numerics
from edgesdk_quant.reference.call import Call, Kernel, real_bounds
from edgesdk_runtimes.base import Array

Real = NDArray[Any]
Function = Callable[[Real], Real]

_erf = np.frompyfunc(math.erf, 1, 1)


def logistic(x: Real) -> Real:
    """1 / (1 + exp(-x)), without overflow on either side."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small)).astype(x.dtype)


def gelu(x: Real) -> Real:
    """x * Phi(x) (Hendrycks & Gimpel 2016, arXiv 1606.08415, section 2)."""
    return np.asarray(0.5 * x * (1 + _erf(x / math.sqrt(2)).astype(x.dtype)), x.dtype)


def gelu_tanh(x: Real) -> Real:
    """The tanh approximation of `gelu` (same paper, section 2)."""
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return np.asarray(0.5 * x * (1 + np.tanh(inner)), x.dtype)


def hard_swish(x: Real) -> Real:
    """x * relu6(x + 3) / 6."""
    return np.asarray(x * np.clip(x + 3, 0, 6) / 6, x.dtype)


def elu(x: Real) -> Real:
    """x above zero, exp(x) - 1 below."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _clamp(activation: str) -> Function:
    low, high = real_bounds(activation)
    return lambda x: np.clip(x, low, high)


def _rsqrt(x: Real) -> Real:
    return np.asarray(1 / np.sqrt(x), x.dtype)


FUNCTIONS: dict[str, Function] = {
    "ABS": np.abs,
    "CEIL": np.ceil,
    "COS": np.cos,
    "ELU": elu,
    "EXP": np.exp,
    "FLOOR": np.floor,
    "HARD_SWISH": hard_swish,
    "LOG": np.log,
    "LOGISTIC": logistic,
    "NEG": np.negative,
    "RELU": _clamp("RELU"),
    "RELU6": _clamp("RELU6"),
    "RELU_0_TO_1": _clamp("RELU_0_TO_1"),
    "RELU_N1_TO_1": _clamp("RELU_N1_TO_1"),
    "ROUND": np.rint,
    "RSQRT": _rsqrt,
    "SIGN": np.sign,
    "SIN": np.sin,
    "SQRT": np.sqrt,
    "SQUARE": np.square,
    "TANH": np.tanh,
}


def _apply(call: Call, function: Function) -> Array:
    x = call.value(0)
    with np.errstate(all="ignore"):
        if not call.quantized:
            return np.asarray(function(x)).astype(x.dtype)
        if x.dtype.itemsize == 1:
            return numerics.lookup(x, numerics.table(function, call.grid(0), call.out()))
        real = numerics.dequantize(x, call.grid(0)).astype(np.float64)
        return numerics.quantize(function(real).astype(np.float32), call.out())


def _unary(call: Call) -> Array:
    return _apply(call, FUNCTIONS[call.operator.code])


def _gelu(call: Call) -> Array:
    return _apply(call, gelu_tanh if call.number("approximate") else gelu)


def leaky_relu(call: Call) -> Array:
    """LEAKY_RELU: x above zero, alpha * x below."""
    x, alpha = call.value(0), call.real("alpha")
    if not call.quantized:
        return np.where(x > 0, x, x * np.float32(alpha)).astype(x.dtype)
    if call.outputs[0].type == "INT16":
        return numerics.leaky_relu_16(x, alpha, call.grid(0), call.out())
    return numerics.rescale_by_256(x, call.grid(0), call.out(), alpha)


def prelu(call: Call) -> Array:
    """PRELU: x above zero, alpha * x below; alpha is broadcast from the last dimensions."""
    x, alpha = call.value(0), call.value(1)
    if not call.quantized:
        return np.where(x >= 0, x, x * alpha).astype(x.dtype)
    return numerics.prelu(x, call.grid(0), alpha, call.grid(1), call.out())


KERNELS: dict[str, Kernel] = {
    **dict.fromkeys(FUNCTIONS, _unary),
    "GELU": _gelu,
    "LEAKY_RELU": leaky_relu,
    "PRELU": prelu,
}
