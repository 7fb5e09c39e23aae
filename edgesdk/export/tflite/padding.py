"""ONNX pads as TFLite padding: SAME or VALID where they coincide, else a PAD operator in front."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgesdk.export.tflite.scope import Scope

Pads = tuple[tuple[int, int], ...]  # (before, after) of each spatial dimension


def onnx_pads(
    node: ir.Node,
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> Pads:
    """Explicit pads of a Conv or pool, `auto_pad` resolved.

    Args:
        node: the node.
        sizes: spatial input sizes.
        kernel: window sizes, for the same dimensions.
        strides: likewise.
        dilations: likewise.
    """
    mode = node.attributes.get_string("auto_pad", "NOTSET")
    count = len(sizes)
    if mode == "VALID":
        return ((0, 0),) * count
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        pads = [same_pads(*row) for row in zip(sizes, kernel, strides, dilations, strict=True)]
        return tuple(p if mode == "SAME_UPPER" else (p[1], p[0]) for p in pads)
    flat = node.attributes.get_ints("pads", [0] * (2 * count))
    return tuple((int(flat[i]), int(flat[i + count])) for i in range(count))


def same_pads(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """What TFLite's SAME means: output = ceil(size / stride), the odd pixel at the end."""
    output = -(-size // stride)
    total = max((output - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def padding_name(
    pads: Pads,
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> str:
    """VALID or SAME if one of them means these pads, else an empty text."""
    if not any(map(any, pads)):
        return "VALID"
    same = tuple(same_pads(*row) for row in zip(sizes, kernel, strides, dilations, strict=True))
    return "SAME" if same == pads else ""


def pad_spatially(scope: Scope, tensor: int, pads: Pads) -> int:
    """Emit a PAD with real zeros around the spatial dimensions of an NHWC tensor."""
    shape = scope.out.shape(tensor)
    full = [(0, 0), *pads, (0, 0)]
    padded = tuple(size + before + after for size, (before, after) in zip(shape, full, strict=True))
    name = f"{scope.out.tensors[tensor].name}_padded"
    result = scope.out.like(name, tensor, padded)
    amounts = scope.out.constant(f"{name}_pads", np.array(full, np.int32))
    scope.out.emit("PAD", [tensor, amounts], [result])
    return result
