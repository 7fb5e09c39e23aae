"""Sigmoid and tanh of 16-bit fixed-point numbers, in integers only.

Algorithm: gemmlowp, fixedpoint/fixedpoint.h (the exponential by a Taylor polynomial around -1/8 and
a table of powers, the quotient by three Newton-Raphson steps), instantiated for int16. Raw values
are held as int64 and kept within int16, so that no step depends on numpy's overflow.

`Q<n>` in a comment is a number with n integer bits: real = raw / 2^(15 - n).
"""

from __future__ import annotations

import numpy as np

from edgesdk_runtimes.base import Array

LOW, HIGH = -(2**15), 2**15 - 1
ONE = HIGH  # of Q0: 1 itself is just out of range
# exp(-2^k) for k = -2..4 as Q0 of 32 bits; 16-bit code rounds them.
POWERS = {
    -2: 1672461947,
    -1: 1302514674,
    0: 790015084,
    1: 290630308,
    2: 39332535,
    3: 720401,
    4: 242,
}


def saturate(x: Array) -> Array:
    """Bound to int16."""
    return np.clip(x, LOW, HIGH)


def round_shift(x: Array, bits: int) -> Array:
    """X / 2^bits for integers, ties away from zero."""
    if bits <= 0:
        return x << -bits
    half = 1 << (bits - 1)
    return np.where(x >= 0, (x + half) >> bits, -((-x + half) >> bits))


def _constant(raw32: int) -> int:
    """A 32-bit constant in 16 bits, rounded."""
    return (raw32 + (1 << 15)) >> 16


def _product(a: Array, b: Array | int) -> Array:
    """Q<n> * Q<m> -> Q<n + m>: saturating, rounding, doubling high half."""
    ab: Array = np.multiply(a, b)
    nudged = ab + np.where(ab >= 0, 1 << 14, 1 - (1 << 14))
    return saturate(np.where(nudged >= 0, nudged >> 15, -((-nudged) >> 15)))


def _half_sum(a: Array, b: int) -> Array:
    total = a + b
    return np.where(total >= 0, (total + 1) >> 1, -((-total + 1) >> 1))


def _exp_near_zero(a: Array) -> Array:
    """Exp of Q0 in [-1/4, 0)."""
    x = a + (1 << 12)  # + 1/8
    square = _product(x, x)
    cube = _product(square, x)
    fourth_by_4 = round_shift(_product(square, square), 2)
    third = _constant(715827883)
    tail = round_shift(_product(fourth_by_4 + cube, third) + square, 1)
    at_eighth = _constant(1895147668)  # exp(-1/8)
    return saturate(at_eighth + _product(x + tail, at_eighth))


def exp_of_negative(a: Array, integer_bits: int) -> Array:
    """Exp of Q<integer_bits> at most 0 -> Q0."""
    fraction_bits = 15 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    part = (a & (quarter - 1)) - quarter
    result = _exp_near_zero(saturate(part << integer_bits))
    remainder = part - a
    for exponent, power in POWERS.items():
        if exponent < integer_bits:
            bit = (remainder >> (fraction_bits + exponent)) & 1
            result = np.where(bit == 1, _product(result, _constant(power)), result)
    if integer_bits > 5:
        result = np.where(a < -(1 << (20 - integer_bits)), 0, result)
    return np.where(a == 0, ONE, result)


def _reciprocal_of_half(a: Array) -> Array:
    """2 / (1 + a) of Q0 in [0, 1] -> Q2."""
    half = _half_sum(a, ONE)
    x = _constant(1515870810) + _product(half, _constant(-1010580540))  # 48/17 - 32/17 d
    for _ in range(3):
        error = (1 << 13) - _product(half, x)
        x = x + saturate(_product(x, error) << 2)
    return x


def sigmoid(a: Array, integer_bits: int = 3) -> Array:
    """1 / (1 + exp(-a)) of Q<integer_bits> -> Q0, int64 within int16."""
    a = a.astype(np.int64)
    magnitude = saturate(np.abs(a))
    positive = saturate(_reciprocal_of_half(exp_of_negative(-magnitude, integer_bits)) << 1)
    result = np.where(a > 0, positive, ONE - positive)
    return np.where(a == 0, 1 << 14, result)


def tanh(a: Array, integer_bits: int = 3) -> Array:
    """Hyperbolic tangent of Q<integer_bits> -> Q0, int64 within int16."""
    a = a.astype(np.int64)
    negative = np.where(a < 0, a, -a)
    quotient = _reciprocal_of_half(exp_of_negative(negative, integer_bits + 1)) - (1 << 13)
    magnitude = saturate(quotient << 2)
    return np.where(a == 0, 0, np.where(a < 0, -magnitude, magnitude))
