"""Every operator that the interpreter computes: builtin name -> function."""

from __future__ import annotations

from edgesdk_quant.reference import (
    arithmetic,
    control,
    convolution,
    dense,
    movement,
    normalization,
    pooling,
    quantization,
    reduction,
    resizing,
    selection,
    unary,
)
from edgesdk_quant.reference.call import Kernel

FAMILIES = (
    arithmetic,
    control,
    convolution,
    dense,
    movement,
    normalization,
    pooling,
    quantization,
    reduction,
    resizing,
    selection,
    unary,
)
KERNELS: dict[str, Kernel] = {
    code: kernel for family in FAMILIES for code, kernel in family.KERNELS.items()
}
