"""The rules of docs/NUMERICS.md once more, slowly and in numpy int64, for the tests alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edgesdk_runtimes.base import Array

Integers = NDArray[np.int64]
f32 = np.float32


@dataclass(frozen=True)
class Stored:
    """How a tensor's integers are stored: real = scale * (q - zero)."""

    dtype: str
    scale: float
    zero: int

    def clamp(self, values: Array, low: float = -math.inf, high: float = math.inf) -> Array:
        """Into the type, and into the stored range of the real bounds low..high."""
        limits = np.iinfo(self.dtype)
        least = max(limits.min, self._bound(low))
        most = min(limits.max, self._bound(high))
        return np.clip(values, least, most).astype(self.dtype)

    def _bound(self, real: float) -> float:
        return real if math.isinf(real) else float(np.rint(f32(real) / f32(self.scale))) + self.zero

    def centred(self, values: Array) -> Integers:
        """Stored values less the zero point."""
        return values.astype(np.int64) - self.zero


def requantize(sums: Integers, scale: Array, out: Stored) -> Array:
    """rint(sum * scale) + zero, before the clamp."""
    return np.asarray(np.rint(sums.astype(np.float32) * scale.astype(np.float32)) + out.zero)


def mulfix(values: Integers, real: float) -> Integers:
    """Product with a real number in 31-bit fixed point, rounded twice, ties away from zero."""
    fraction, exponent = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, exponent = multiplier // 2, exponent + 1
    high = away(values * 2 ** max(exponent, 0) * multiplier, 31, ties_up=True)
    return away(high, max(-exponent, 0))


def away(values: Integers, bits: int, *, ties_up: bool = False) -> Integers:
    """values / 2^bits to the nearest; ties away from zero, or upwards."""
    if bits == 0:
        return values
    half = 1 << (bits - 1)
    negative = np.where(ties_up, (values + half) >> bits, -((-values + half) >> bits))
    return np.where(values >= 0, (values + half) >> bits, negative)


def window(size: int, filter_size: int, stride: int, dilation: int, same: bool) -> tuple[int, int]:
    """Output size and padding before the first element, as TFLite has them."""
    reach = (filter_size - 1) * dilation + 1
    if not same:
        return (size - reach) // stride + 1, 0
    out = -(-size // stride)
    return out, max((out - 1) * stride + reach - size, 0) // 2


@dataclass(frozen=True)
class Geometry:
    """Strides, dilations and padding of a convolution or pool, (height, width) each."""

    filter: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    same: bool

    def taps(self, centred: Integers) -> tuple[Integers, tuple[int, int]]:
        """Values [filter_h, filter_w, batch, out_h, out_w, c] that each tap sees; 0 is padding."""
        spans = [
            window(size, f, s, d, self.same)
            for size, f, s, d in zip(
                centred.shape[1:3], self.filter, self.stride, self.dilation, strict=True
            )
        ]
        (out_h, top), (out_w, left) = spans
        border = max(self.filter) * max(self.dilation) + max(self.stride)
        padded = np.pad(centred, ((0, 0), (top, border), (left, border), (0, 0)))
        views = [
            [
                padded[
                    :,
                    i * self.dilation[0] :: self.stride[0],
                    j * self.dilation[1] :: self.stride[1],
                ][:, :out_h, :out_w]
                for j in range(self.filter[1])
            ]
            for i in range(self.filter[0])
        ]
        return np.array(views), (out_h, out_w)


def convolution(centred: Integers, weights: Integers, geometry: Geometry) -> Integers:
    """Sums of a grouped convolution; weights [out_c, filter_h, filter_w, in_c / groups]."""
    taps, _ = geometry.taps(centred)
    groups = centred.shape[3] // weights.shape[3]
    parts = zip(np.split(taps, groups, axis=-1), np.split(weights, groups), strict=True)
    sums = [np.einsum("ijbhwc,oijc->bhwo", t, w) for t, w in parts]
    return np.concatenate(sums, axis=-1)


def depthwise(centred: Integers, weights: Integers, geometry: Geometry) -> Integers:
    """Sums of a depthwise convolution; weights [filter_h, filter_w, in_c * multiplier]."""
    taps, _ = geometry.taps(centred)
    spread = np.repeat(taps, weights.shape[2] // centred.shape[3], axis=-1)
    return np.asarray(np.einsum("ijbhwc,ijc->bhwc", spread, weights))


def scales(x: float, weights: Array, out: float) -> Array:
    """x * w / out, each step rounded to float32."""
    return np.asarray(f32(x) * weights.astype(np.float32) / f32(out), np.float32)


def fixed_steps(values: Integers, multiplier: int, bits: int) -> Integers:
    """(values * multiplier + half) >> bits."""
    return (values * multiplier + (1 << (bits - 1))) >> bits


def of(dtype: DTypeLike) -> tuple[int, int]:
    """Smallest and largest value of an integer type."""
    limits = np.iinfo(np.dtype(dtype))
    return int(limits.min), int(limits.max)
