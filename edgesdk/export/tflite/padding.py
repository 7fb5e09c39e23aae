"""Padding that no window of TFLite says: a PAD operator in front."""

from __future__ import annotations

import numpy as np

from edgesdk.export.tflite.scope import Scope
from edgesdk.export.windows import Pads
from edgesdk_runtimes.base import Array

LOWEST = np.finfo(np.float32).min


def pad_spatially(scope: Scope, tensor: int, pads: Pads, fill: Array | None = None) -> int:
    """Put a border around the spatial dimensions of an NHWC tensor.

    Args:
        scope: the lowering.
        tensor: tensor number.
        pads: before and after each spatial dimension.
        fill: stored value of the border, a scalar of the tensor's type; None is a real zero.
    """
    shape = scope.out.shape(tensor)
    full = [(0, 0), *pads, (0, 0)]
    padded = tuple(size + before + after for size, (before, after) in zip(shape, full, strict=True))
    name = f"{scope.out.tensors[tensor].name}_padded"
    result = scope.out.like(name, tensor, padded)
    amounts = scope.out.constant(f"{name}_pads", np.array(full, np.int32))
    if fill is None:
        scope.out.emit("PAD", [tensor, amounts], [result])
    else:
        quantization = scope.out.tensors[tensor].quantization
        value = scope.out.constant(f"{name}_value", fill.reshape(1), quantization)
        scope.out.emit("PADV2", [tensor, amounts, value], [result])
    return result


def lowest(scope: Scope, tensor: int) -> Array:
    """The least value of a tensor's type, as a scalar."""
    kind = scope.out.tensors[tensor].type
    if kind == "FLOAT32":
        return np.array(LOWEST, np.float32)
    return np.array(np.iinfo(kind.lower()).min, kind.lower())
