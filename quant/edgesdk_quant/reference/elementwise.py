"""Operators that work element by element."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from edgesdk_quant import numerics, numerics16, tables16
from edgesdk_quant.numerics import Grid
from edgesdk_quant.reference.context import Context, narrowed
from edgesdk_quant.tflite.constants import DTYPES
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

Function = Callable[[Array], Array]
f32 = np.float32


def _erf(x: Array) -> Array:
    return np.asarray(np.vectorize(math.erf, otypes=[np.float64])(x))


def _clip(low: float, high: float) -> Function:
    return lambda x: np.clip(x, low, high)


def _divide(a: Array, b: Array) -> Array:
    """Integers towards zero, as C does."""
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    lower, is_inexact = a // b, a % b != 0
    return np.asarray(lower + (is_inexact & ((a < 0) != (b < 0))))


UNARY: dict[str, Function] = {
    "ABS": np.abs,
    "CEIL": np.ceil,
    "COS": np.cos,
    "ELU": lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x),
    "EXP": np.exp,
    "FLOOR": np.floor,
    "HARD_SWISH": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "LOG": np.log,
    "LOGICAL_NOT": np.logical_not,
    "LOGISTIC": lambda x: 1 / (1 + np.exp(-x)),
    "NEG": np.negative,
    "RELU": _clip(0, np.inf),
    "RELU6": _clip(0, 6),
    "RELU_0_TO_1": _clip(0, 1),
    "RELU_N1_TO_1": _clip(-1, 1),
    "ROUND": np.rint,
    "RSQRT": lambda x: 1 / np.sqrt(x),
    "SIGN": np.sign,
    "SIN": np.sin,
    "SQRT": np.sqrt,
    "SQUARE": np.square,
    "TANH": np.tanh,
}
BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "DIV": _divide,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "POW": np.power,
    "SQUARED_DIFFERENCE": lambda a, b: np.square(a - b),
    "FLOOR_DIV": np.floor_divide,
    "FLOOR_MOD": np.mod,
    "PRELU": lambda a, b: np.where(a >= 0, a, a * b),
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "LOGICAL_AND": np.logical_and,
    "LOGICAL_OR": np.logical_or,
}


Rule = Callable[[Array, Grid, Array, Grid, Grid], Array]
INT8_RULES: dict[str, Rule] = {
    "ADD": numerics.add,
    "SUB": functools.partial(numerics.add, sign=-1),
    "MUL": numerics.multiply,
    "SQUARED_DIFFERENCE": numerics.squared_difference,
}
INT16_RULES: dict[str, Rule] = {
    "ADD": numerics16.add,
    "SUB": functools.partial(numerics16.add, sign=-1),
    "MUL": numerics16.multiply,
    "SQUARED_DIFFERENCE": numerics.squared_difference,
}
# Of int16 values, in units of 2^-15; and what goes through a sampled table.
SIGMOIDS = {"LOGISTIC": tables16.logistic, "TANH": tables16.tanh}
SAMPLED = frozenset({"EXP", "GELU", "LOG", "RSQRT"})
# By one ratio and bounds, no table.
MAGNIFIED = frozenset({"ABS", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1"})


def _gelu(context: Context) -> Function:
    if context.integer("approximate"):
        root = math.sqrt(2 / math.pi)
        return lambda x: 0.5 * x * (1 + np.tanh(root * (x + 0.044715 * x**3)))
    return lambda x: 0.5 * x * (1 + _erf(x / math.sqrt(2)))


def unary(context: Context) -> list[Array]:
    """A function of one argument: by table for 8-bit values, else on floats."""
    code = context.operator.code
    function = _gelu(context) if code == "GELU" else UNARY[code]
    with np.errstate(all="ignore"):
        if not context.quantized:
            x = context.value(0)
            if x.dtype != f32:
                return [function(x).astype(x.dtype)]
            return [function(x.astype(np.float64)).astype(f32)]
        if code in MAGNIFIED:
            return [_magnified(context)]
        if context.tensor(0).type == "INT16":
            return [_wide(context, function)]
        if code == "HARD_SWISH":
            grids = context.grid(0), context.result_grid()
            return [numerics.hard_swish(context.value(0), *grids)]
        return [numerics.lookup(context.value(0), _table(context, function))]


def _wide(context: Context, function: Function) -> Array:
    """Int16 values: by the tables that LiteRT uses, else one by one."""
    code, x = context.operator.code, context.value(0)
    grid, out = context.grid(0), context.result_grid()
    if code in SIGMOIDS and float(out.scale) == tables16.UNIT:
        return out.clamp(SIGMOIDS[code](x, grid))
    if code in SAMPLED:
        bounded = _within(code, function, out)
        table = tables16.sampled(bounded, (float(grid.scale), float(out.scale)))
        return out.clamp(tables16.interpolate(table, x))
    if code == "SQRT":
        root = np.sqrt(numerics.dequantize(x, grid)) / out.scale
        return out.clamp(np.trunc(np.nan_to_num(root)))
    return _quantized_function(context, x, function)


def _within(code: str, function: Function, out: Grid) -> Function:
    """LOG and RSQRT give the nearest end of the output's range where they have no value."""
    if code == "LOG":
        least = out.scale * f32(tables16.LOW)
        return lambda x: np.where(x > 0, np.log(x.astype(np.float64)), least)
    if code == "RSQRT":
        most = out.scale * f32(tables16.HIGH)
        return lambda x: np.where(x > 0, f32(1) / np.sqrt(x), most)
    return lambda x: function(x.astype(np.float64))


def _magnified(context: Context) -> Array:
    code, grid = context.operator.code, context.grid(0)
    value = context.value(0).astype(np.int64) - grid.zero_point
    if code == "ABS":
        return numerics.magnify(np.abs(value), grid, context.result_grid())
    return numerics.magnify(value, grid, narrowed(context.result_grid(), code, numerics.away))


def _table(context: Context, function: Function) -> Array:
    """The results of all 256 stored values."""
    stored = np.arange(256) + np.iinfo(context.value(0).dtype).min
    return _quantized_function(context, stored, function)


def _quantized_function(context: Context, stored: Array, function: Function) -> Array:
    """Dequantize, compute in float64, round to float32, quantize."""
    real = numerics.dequantize(stored, context.grid(0)).astype(np.float64)
    result, out = function(real).astype(f32), context.result_grid()
    if context.operator.code == "SQRT":
        return out.settle(np.trunc(result * (f32(1) / out.scale)))
    return numerics.quantize(result, out)


def leaky_relu(context: Context) -> list[Array]:
    """LEAKY_RELU."""
    alpha, x = context.number("alpha"), context.value(0)
    if not context.quantized:
        return [np.where(x < 0, x * f32(alpha), x).astype(f32)]
    grid, out = context.grid(0), context.result_grid()
    if out.type == "INT16":
        return [numerics16.leaky_relu(x, alpha, grid, out)]
    return [numerics.rescale_by_256(x, grid, out, alpha)]


def binary(context: Context) -> list[Array]:
    """A function of two arguments that broadcast."""
    code = context.operator.code
    a, b = context.value(0), context.value(1)
    if context.quantized:
        return [_binary_quantized(context, a, b)]
    with np.errstate(all="ignore"):
        result = BINARY[code](a, b)
    if result.dtype == f32 or result.dtype == np.float64:
        result = context.activated(result).astype(f32)
    return [result]


def _binary_quantized(context: Context, a: Array, b: Array) -> Array:
    code, out = context.operator.code, context.result_grid()
    grids = context.grid(0), context.grid(1)
    if code == "PRELU":
        return numerics.prelu(a, grids[0], b, grids[1], out)
    if code in ("MAXIMUM", "MINIMUM") and grids[0] == grids[1]:
        return out.clamp(BINARY[code](a, b))
    rules = INT16_RULES if out.type == "INT16" else INT8_RULES
    if code not in rules:
        raise UnsupportedError(f"{code} of {out.type} values is not computed")
    return rules[code](a, grids[0], b, grids[1], out)


def quantize(context: Context) -> list[Array]:
    """QUANTIZE from floats or between integer types."""
    x, out = context.value(0), context.result_grid()
    if x.dtype == f32:
        return [numerics.quantize(x, out)]
    grid = context.grid(0)
    if grid.type == out.type and grid.type in ("INT8", "UINT8"):
        return [numerics.rescale_by_256(x, grid, out)]
    return [numerics.rescale(x, grid, out)]


def dequantize(context: Context) -> list[Array]:
    """DEQUANTIZE, per channel too, and of float16 constants."""
    x, quantization = context.value(0), context.tensor(0).quantization
    if x.dtype == np.float16:
        return [x.astype(f32)]
    if quantization is None or quantization.scale.size == 1:
        return [numerics.dequantize(x, context.grid(0))]
    shape = [1] * x.ndim
    shape[quantization.axis] = -1
    zero = quantization.zero_point.reshape(shape)
    return [(x.astype(np.int64) - zero).astype(f32) * quantization.scale.reshape(shape)]


def cast(context: Context) -> list[Array]:
    """CAST; floats lose their fraction, what an integer type cannot hold is bounded."""
    x, dtype = context.value(0), DTYPES[context.result().type]
    if x.dtype.kind != "f" or dtype.kind not in "iu":
        return [x.astype(dtype)]
    limits = np.iinfo(np.dtype(dtype.name))
    whole = np.nan_to_num(np.trunc(x.astype(np.float64)))
    inside = np.where(whole >= limits.max, 0, np.maximum(whole, limits.min)).astype(dtype)
    return [np.where(whole >= limits.max, dtype.type(limits.max), inside)]


OPERATORS = {
    **dict.fromkeys(UNARY, unary),
    "GELU": unary,
    **dict.fromkeys(BINARY, binary),
    "CAST": cast,
    "DEQUANTIZE": dequantize,
    "LEAKY_RELU": leaky_relu,
    "QUANTIZE": quantize,
}
