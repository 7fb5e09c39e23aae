"""Operators on two broadcast tensors (ADD_N: on many)."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from edgesdk_quant import numerics
from edgesdk_quant.reference.call import Call, Kernel
from edgesdk_runtimes.base import Array

Binary = Callable[[Array, Array], Array]


def _divide(a: Array, b: Array) -> Array:
    """Floats as they are; integers towards zero, as C does."""
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    return np.asarray((np.abs(a) // np.abs(b)) * np.sign(a) * np.sign(b))


def _squared_difference(a: Array, b: Array) -> Array:
    return np.square(a - b)


PLAIN: dict[str, Binary] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "DIV": _divide,
    "POW": np.power,
    "FLOOR_DIV": np.floor_divide,
    "FLOOR_MOD": np.mod,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "SQUARED_DIFFERENCE": _squared_difference,
    "BITWISE_XOR": np.bitwise_xor,
    "RIGHT_SHIFT": np.right_shift,
    "ATAN2": np.arctan2,
}

Quantized = Callable[[Array, numerics.Grid, Array, numerics.Grid, numerics.Grid], Array]
QUANTIZED: dict[str, Quantized] = {
    "ADD": numerics.add,
    "SUB": functools.partial(numerics.add, sign=-1),
    "MUL": numerics.multiply,
    "SQUARED_DIFFERENCE": numerics.squared_difference,
}
SIXTEEN: dict[str, Quantized] = {
    "ADD": numerics.add_16,
    "SUB": functools.partial(numerics.add_16, sign=-1),
    "MUL": numerics.multiply_16,
    "SQUARED_DIFFERENCE": numerics.squared_difference,
}
# Both operands and the result share one grid: stored values compare as real ones do.
ONE_GRID = frozenset({"MAXIMUM", "MINIMUM"})


def _binary(call: Call) -> Array:
    code, a, b = call.operator.code, call.value(0), call.value(1)
    if not call.quantized or code in ONE_GRID:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.asarray(call.activate(PLAIN[code](a, b))).astype(a.dtype)
    if code not in QUANTIZED:
        return _through_reals(call, PLAIN[code])
    table = SIXTEEN if call.outputs[0].type == "INT16" else QUANTIZED
    return table[code](a, call.grid(0), b, call.grid(1), call.out())


def _through_reals(call: Call, function: Binary) -> Array:
    """No integer rule: dequantize, compute in float32, quantize."""
    real = [numerics.dequantize(call.value(i), call.grid(i)) for i in (0, 1)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return numerics.quantize(function(*real), call.out())


def add_n(call: Call) -> Array:
    """ADD_N: the sum of all inputs."""
    return functools.reduce(np.add, (call.value(i) for i in range(len(call.values))))


KERNELS: dict[str, Kernel] = {**dict.fromkeys(PLAIN, _binary), "ADD_N": add_n}
