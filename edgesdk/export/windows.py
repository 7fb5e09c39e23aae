"""Geometry of windows that slide over an image: pads, and TFLite's two names for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from edgesdk_runtimes.base import Array

Pads = tuple[tuple[int, int], ...]  # (before, after) of each spatial dimension


@dataclass(frozen=True)
class Window:
    """A window over the spatial dimensions; every tuple has one entry for each of them."""

    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: Pads

    def reaching(self, outputs: Sequence[int]) -> Window:
        """The same window with at least as much padding behind as `outputs` windows need."""
        pads = []
        for i, (before, after) in enumerate(self.pads):
            reach = (self.kernel[i] - 1) * self.dilations[i] + 1
            needed = (outputs[i] - 1) * self.strides[i] + reach - self.sizes[i] - before
            pads.append((before, max(after, needed)))
        return replace(self, pads=tuple(pads))

    def padding_name(self) -> str:
        """VALID or SAME if one of them means these pads, else an empty text."""
        if not any(map(any, self.pads)):
            return "VALID"
        rows = zip(self.sizes, self.kernel, self.strides, self.dilations, strict=True)
        return "SAME" if tuple(same_pads(*row) for row in rows) == self.pads else ""

    def counted(self, outputs: Sequence[int], border: Pads) -> Array:
        """How many taps of each window fall on the image or its border: int64 [*outputs]."""
        counts = np.ones((), np.int64)
        for i, count in enumerate(outputs):
            first = np.arange(count) * self.strides[i] - self.pads[i][0]
            taps = first[:, None] + np.arange(self.kernel[i]) * self.dilations[i]
            inside = (taps >= -border[i][0]) & (taps < self.sizes[i] + border[i][1])
            counts = np.multiply.outer(counts, inside.sum(1))
        return counts


def window_of(node: ir.Node, sizes: Sequence[int], kernel: Sequence[int]) -> Window:
    """The window of a Conv or pool, `auto_pad` resolved.

    Args:
        node: the node.
        sizes: spatial input sizes.
        kernel: window sizes, for the same dimensions.
    """
    ones = [1] * len(sizes)
    strides = tuple(node.attributes.get_ints("strides", ones))
    dilations = tuple(node.attributes.get_ints("dilations", ones))
    window = Window(tuple(sizes), tuple(kernel), strides, dilations, ())
    return replace(window, pads=_pads(node, window))


def _pads(node: ir.Node, window: Window) -> Pads:
    mode, count = node.attributes.get_string("auto_pad", "NOTSET"), len(window.sizes)
    if mode == "VALID":
        return ((0, 0),) * count
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        rows = zip(window.sizes, window.kernel, window.strides, window.dilations, strict=True)
        pads = [same_pads(*row) for row in rows]
        return tuple(p if mode == "SAME_UPPER" else (p[1], p[0]) for p in pads)
    flat = node.attributes.get_ints("pads", [0] * (2 * count))
    return tuple((int(flat[i]), int(flat[i + count])) for i in range(count))


def same_pads(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """What TFLite's SAME means: output = ceil(size / stride), the odd pixel at the end."""
    output = -(-size // stride)
    total = max((output - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2
