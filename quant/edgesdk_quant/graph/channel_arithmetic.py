"""Fold Add, Sub, Mul and Div by a constant for each channel into the Conv or Gemm before it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph.affine import Affine, absorb, can_absorb, channels
from edgesdk_quant.graph.rewrite import bypass
from edgesdk_quant.graph.values import constant, value_shape

Channelwise = NDArray[np.float64]
# op -> gain and offset of `x op c`, for c float64 [C]
ARITHMETIC: dict[str, Callable[[Channelwise], Affine]] = {
    "Add": lambda c: Affine(np.ones_like(c), c),
    "Sub": lambda c: Affine(np.ones_like(c), -c),
    "Mul": lambda c: Affine(c, np.zeros_like(c)),
    "Div": lambda c: Affine(1 / c, np.zeros_like(c)),
}
COMMUTATIVE = frozenset({"Add", "Mul"})


def fold_channel_arithmetic(model: ir.Model) -> None:
    """Absorb `conv(x) op c` into the weights wherever c is one number or one for each channel."""
    for node in list(model.graph.all_nodes()):
        if node.op_type in ARITHMETIC and (swapped := _orient(node)) is not None:
            before = node.inputs[swapped].producer()  # type: ignore[union-attr]
            operand = None if before is None else _channelwise(before, node, 1 - swapped)
            if before is not None and operand is not None:
                absorb(before, ARITHMETIC[node.op_type](operand))
                node.replace_input_with(0, before.outputs[0])
                bypass(node)


def _orient(node: ir.Node) -> int | None:
    """Index of the input that an absorbing operator makes, None if there is none."""
    for i in (0, 1) if node.op_type in COMMUTATIVE else (0,):
        value = node.inputs[i]
        if value is not None and can_absorb(value.producer()):
            return i
    return None


def _channelwise(before: ir.Node, node: ir.Node, index: int) -> Channelwise | None:
    """The constant as float64 [C]; None if it varies along another axis or changes the shape."""
    array, shape = constant(node.inputs[index]), value_shape(before.outputs[0])
    if array is None or shape is None or array.ndim > len(shape):
        return None
    count, axis = channels(before), 1 if before.op_type != "Gemm" else len(shape) - 1
    full = array.reshape((1,) * (len(shape) - array.ndim) + array.shape)
    if any(size != 1 for i, size in enumerate(full.shape) if i != axis):
        return None
    if node.op_type == "Div" and not np.all(array):
        return None
    if full.shape[axis] not in (1, count):
        return None
    return np.broadcast_to(full.reshape(-1), (count,)).astype(np.float64)
