"""Sliding windows over NHWC images, with TFLite's padding."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from edgesdk_quant.reference.context import Context
from edgesdk_runtimes.base import Array


def extents(
    size: int, kernel: int, stride: int, dilation: int, padding: str
) -> tuple[int, int, int]:
    """(output size, padding before, padding after) of one dimension."""
    reach = (kernel - 1) * dilation + 1
    if padding == "VALID":
        return (size - reach) // stride + 1, 0, 0
    output = -(-size // stride)
    total = max((output - 1) * stride + reach - size, 0)
    return output, total // 2, total - total // 2


def windows(context: Context, x: Array, kernel: tuple[int, int], fill: float) -> Array:
    """All windows of an image.

    Args:
        context: gives padding, strides and dilations.
        x: [N, H, W, C].
        kernel: height and width.
        fill: what lies outside of the image.

    Returns:
        View [N, H_out, W_out, C, kernel height, kernel width].
    """
    strides = context.integer("stride_h", 1), context.integer("stride_w", 1)
    dilations = (context.integer("dilation_h_factor", 1), context.integer("dilation_w_factor", 1))
    padding = context.text("padding")
    pads = [
        extents(size, k, s, d, padding)
        for size, k, s, d in zip(x.shape[1:3], kernel, strides, dilations, strict=True)
    ]
    border = [(0, 0), *((before, after) for _, before, after in pads), (0, 0)]
    padded = np.pad(x, border, constant_values=fill)
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True))
    view = sliding_window_view(padded, reach, axis=(1, 2))
    return view[:, :: strides[0], :: strides[1], :, :: dilations[0], :: dilations[1]]
