"""How numbers are stored: bits, symmetry and granularity, and the parameters made from a range."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
# A tensor of zeros has no range to derive a scale from; any positive scale stores it exactly.
SCALE_OF_ZEROS = 1.0
# A channel may be this much finer than the coarsest of its tensor. Finer buys nothing that the
# output's own step shows, and its int32 bias and its requantization would leave their ranges.
FINEST_CHANNEL = 2.0**-16


class Granularity(Enum):
    """What shares one scale: a whole tensor [A, B] -> scale [], or a channel of axis 0 -> [A]."""

    PER_TENSOR = "tensor"
    PER_CHANNEL = "channel"


@dataclass(frozen=True)
class Scheme:
    """A way to store real numbers as integers.

    Attributes:
        dtype: numpy dtype that holds what is stored; ml_dtypes.int4 for 4 bits.
        low: smallest stored value.
        high: largest stored value.
        symmetric: the zero point is 0.
    """

    dtype: np.dtype[Any]
    low: int
    high: int
    symmetric: bool


# Activations are uint8 in a graph and int8 in TFLite: the same values, 128 apart.
ACTIVATIONS = {
    8: Scheme(np.dtype(np.uint8), 0, 255, symmetric=False),
    16: Scheme(np.dtype(np.int16), -32768, 32767, symmetric=True),
}
# A bias keeps half of int32 free: adding the products cannot overflow it.
BIAS = Scheme(np.dtype(np.int32), -(2**30), 2**30, symmetric=True)
# 4 bits cannot spare the sixteenth value; a channel whose extreme is negative gains a step by it.
WEIGHTS = {
    8: Scheme(np.dtype(np.int8), -127, 127, symmetric=True),
    7: Scheme(np.dtype(np.int8), -63, 63, symmetric=True),
    4: Scheme(np.dtype(ml_dtypes.int4), -8, 7, symmetric=True),
}
# Weight-only, asymmetric: float kernels take any zero point.
ASYMMETRIC_WEIGHTS = {
    8: Scheme(np.dtype(np.int8), -128, 127, symmetric=False),
    7: Scheme(np.dtype(np.int8), -64, 63, symmetric=False),
    4: Scheme(np.dtype(ml_dtypes.int4), -8, 7, symmetric=False),
}


@dataclass(frozen=True)
class Affine:
    """Quantization parameters: real = scale * (q - zero_point).

    Attributes:
        scale: float32, [] per tensor, [C] per channel, or shaped as the data with `axis` divided by
            `block`.
        zero_point: of the stored dtype, shaped as `scale`.
        scheme: range and dtype of the stored values.
        axis: dimension of C, or the one that is cut into blocks; None per tensor.
        block: how many neighbours along `axis` share a scale; 0 without blocks.
    """

    scale: FloatArray
    zero_point: NDArray[Any]
    scheme: Scheme
    axis: int | None = None
    block: int = 0

    def quantize(self, x: NDArray[Any]) -> NDArray[Any]:
        """QuantizeLinear of a float array: ties to even, clamped to the scheme's range."""
        scale, zero = self._along(self.scale, x.shape), self._along(self.zero_point, x.shape)
        with np.errstate(over="ignore"):  # the lowest float of an attention mask, say
            q = np.rint(x / scale) + zero.astype(np.float64)
        stored: NDArray[Any] = np.clip(q, self.scheme.low, self.scheme.high)
        return stored.astype(self.scheme.dtype)

    def dequantize(self, q: NDArray[Any]) -> FloatArray:
        """DequantizeLinear of an array of stored values."""
        scale, zero = self._along(self.scale, q.shape), self._along(self.zero_point, q.shape)
        steps = (q.astype(np.int32) - zero.astype(np.int32)).astype(np.float32)
        return np.asarray(steps * scale, np.float32)

    def round_trip(self, x: NDArray[Any]) -> FloatArray:
        """The real values that come back after storing `x`."""
        return self.dequantize(self.quantize(x))

    def steps(self, shape: tuple[int, ...]) -> FloatArray:
        """The scale of every element of an array, in a shape that broadcasts against it."""
        return self._along(self.scale, shape)

    def zeros(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """The zero point of every element of an array, as `steps`."""
        return self._along(self.zero_point, shape)

    def _along(self, parameter: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        if self.axis is None:
            return parameter
        if self.block:
            each = np.repeat(parameter, self.block, axis=self.axis)
            return each.take(np.arange(shape[self.axis]), axis=self.axis)
        wanted = [1] * len(shape)
        wanted[self.axis] = -1
        return parameter.reshape(wanted)


def activation_parameters(low: float, high: float, bits: int) -> Affine:
    """Per-tensor parameters of an activation that spans `low`..`high`.

    Zero is always stored exactly. One side is: where `low` is 0 (after ReLU) the zero point is the
    lowest stored value and the highest is never above `high`, so that runtimes may drop the ReLU.
    """
    low, high, scheme = min(low, 0.0), max(high, 0.0), ACTIVATIONS[bits]
    if scheme.symmetric:
        scale, zero = max(-low, high) / scheme.high, 0
    else:
        scale = (high - low) / (scheme.high - scheme.low)
        zero = scheme.low + (round(-low / scale) if scale > 0 else 0)
    return Affine(_float32_below(scale), np.array(zero, scheme.dtype), scheme)


def fixed_parameters(low: float, high: float, bits: int) -> Affine:
    """Parameters of an output whose range the operator fixes; 16 bits always mean 1/32768."""
    if bits == 8:
        return activation_parameters(low, high, bits)
    scheme = ACTIVATIONS[bits]
    return Affine(np.array(2.0**-15, np.float32), np.array(0, scheme.dtype), scheme)


def weight_parameters(
    steps: NDArray[Any],
    axis: int | None,
    bits: int = 8,
    block: int = 0,
    zero_point: NDArray[Any] | None = None,
) -> Affine:
    """Parameters of weights.

    Args:
        steps: scales, [] per tensor, [C] per channel or one a block; not negative.
        axis: dimension of C or of the blocks; None per tensor.
        bits: width of what is stored, 4, 7 or 8.
        block: elements of a block; 0 without blocks.
        zero_point: stored value of 0, shaped as `steps`; None is symmetric.
    """
    scheme = WEIGHTS[bits] if zero_point is None else ASYMMETRIC_WEIGHTS[bits]
    exact = np.asarray(steps, np.float64)
    coarsest = exact.max(initial=0.0) or SCALE_OF_ZEROS
    scale = np.asarray(np.maximum(exact, coarsest * FINEST_CHANNEL), np.float32)
    scale = block_scale(scale) if block else scale
    zero = np.zeros(scale.shape) if zero_point is None else zero_point
    return Affine(scale, np.asarray(zero, scheme.dtype), scheme, axis, block)


def block_scale(scale: NDArray[Any]) -> FloatArray:
    """The nearest scale that a block can have: TFLite files hold float16, kernels bfloat16."""
    held = np.maximum(np.asarray(scale, np.float16), np.finfo(np.float16).tiny)
    return np.asarray(held.astype(ml_dtypes.bfloat16), np.float32)


def bias_parameters(x: Affine, weights: Affine, channels: int) -> Affine:
    """Parameters of an int32 bias: scale = input scale * weight scale, for each channel."""
    scale = np.broadcast_to(x.scale * weights.scale, (channels,)).astype(np.float32)
    return Affine(scale, np.zeros(channels, np.int32), BIAS, axis=0)


def _float32_below(scale: float) -> FloatArray:
    """The largest float32 not above `scale`: rounding up would store values beyond the range."""
    if scale < np.finfo(np.float32).tiny:
        return np.array(SCALE_OF_ZEROS, np.float32)
    nearest = np.float32(scale)
    below = nearest if float(nearest) <= scale else np.nextafter(nearest, np.float32(0))
    return np.array(below, np.float32)
