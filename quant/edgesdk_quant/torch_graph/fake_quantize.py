"""Rounding, clamping and quantizing in torch, with the gradients that learning wants.

A fake quantizer has a straight-through gradient: inside the range the gradient passes, outside it
is zero (Bengio et al. 2013; Jacob et al. 2018, section 3). Where the scale learns too, its gradient
is that of Esser et al. 2020, "Learned Step Size Quantization", equation 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


class Clamp(torch.autograd.Function):
    """torch.clamp; its gradient takes one pass over the values instead of four."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: float, high: float) -> Tensor:
        ctx.save_for_backward(x)
        ends, beyond = np.array([low, high], np.float32), np.array([-np.inf, np.inf], np.float32)
        ctx.ends = np.nextafter(ends, beyond).tolist()
        return torch.clamp(x, low, high)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradients[0], x, *ctx.ends), None, None


def clamp(x: Tensor, low: float, high: float) -> Tensor:
    """`Clamp` as a typed function."""
    clamped: Tensor = Clamp.apply(x, low, high)  # type: ignore[no-untyped-call]
    return clamped


class Round(torch.autograd.Function):
    """To the nearest integer, ties to even; the gradient passes as it is."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.round(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


def round_through(x: Tensor) -> Tensor:
    """`Round` as a typed function."""
    rounded: Tensor = Round.apply(x)  # type: ignore[no-untyped-call]
    return rounded


class FakeQuantize(torch.autograd.Function):
    """QuantizeLinear and DequantizeLinear as one: the same bits in fewer passes over the values."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, low: float, high: float) -> Tensor:
        """`low` and `high` are the ends of the stored values less the zero point."""
        places = (x / scale).round_()
        ctx.save_for_backward(places, scale)
        ctx.ends = low - 0.5, high + 0.5
        return places.clamp(low, high).mul_(scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        places, scale = ctx.saved_tensors
        inside = torch.ops.aten.hardtanh_backward(gradients[0] * scale, places, *ctx.ends)
        return inside.div_(scale), None, None, None


def fake_quantize(x: Tensor, scale: Tensor, low: float, high: float) -> Tensor:
    """Stored and dequantized again: scale * clip(round(x / scale), low, high).

    Args:
        x: float32.
        scale: float32, broadcasts against `x`; positive.
        low: smallest stored value less the zero point.
        high: largest stored value less the zero point.
    """
    if scale.requires_grad:
        return clamp(round_through(x / scale), low, high) * scale
    quantized: Tensor = FakeQuantize.apply(x, scale, low, high)  # type: ignore[no-untyped-call]
    return quantized
