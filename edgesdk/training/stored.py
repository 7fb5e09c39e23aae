"""Stored integers of a quantized graph: what may learn, and under which parameters it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph import constant, new_initializer
from edgesdk_quant.operators import input_at
from edgesdk_quant.scheme import ASYMMETRIC_WEIGHTS, BIAS, WEIGHTS, Affine, Scheme

NARROW = 7  # bits that keep the sum of two products within int16
INTEGERS, SCALE, ZERO_POINT = 0, 1, 2


@dataclass(frozen=True)
class StoredTensor:
    """Integers that a DequantizeLinear reads.

    Attributes:
        node: that DequantizeLinear.
        name: of the initializer that holds them: int4, int8 or int32 (a bias).
        scale: name of the initializer of their scale.
        array: what it holds.
        affine: what it stands for.
    """

    node: ir.Node
    name: str
    scale: str
    array: NDArray[Any]
    affine: Affine

    @property
    def is_bias(self) -> bool:
        """Whether its step is that of its layer's products."""
        return self.affine.scheme is BIAS

    @property
    def real(self) -> NDArray[np.float32]:
        """float32, shaped as the integers."""
        return self.affine.dequantize(self.array)


def stored_tensors(graph: ir.Graph) -> Iterator[StoredTensor]:
    """All of a graph, in its order; integers of other widths are left out."""
    for node in graph:
        if node.op_type == "DequantizeLinear" and (found := _stored(node)) is not None:
            yield found


def separate(graph: ir.Graph) -> None:
    """Give each stored tensor integers and a scale that nothing else reads, in place."""
    for tensor in list(stored_tensors(graph)):
        for index in (INTEGERS, SCALE):
            value = tensor.node.inputs[index]
            array = constant(value)
            if value is not None and array is not None and len(value.uses()) > 1:
                own = new_initializer(graph, str(value.name), array)
                tensor.node.replace_input_with(index, own)


def _stored(node: ir.Node) -> StoredTensor | None:
    integers, steps = node.inputs[INTEGERS], node.inputs[SCALE]
    array, scale = constant(integers), constant(steps)
    zero = constant(input_at(node, ZERO_POINT))
    scheme = None if array is None else _scheme(array, zero)
    if integers is None or steps is None or array is None or scale is None or scheme is None:
        return None
    zeros = np.zeros(scale.shape, scheme.dtype) if zero is None else zero
    axis = node.attributes.get_int("axis", 1) % max(array.ndim, 1) if scale.ndim else None
    block = node.attributes.get_int("block_size", 0)
    affine = Affine(np.array(scale, np.float32), zeros, scheme, axis, block)
    return StoredTensor(node, str(integers.name), str(steps.name), array, affine)


def _scheme(array: NDArray[Any], zero: NDArray[Any] | None) -> Scheme | None:
    """The values that integers may take: those of 7 bits stay in 7 bits."""
    kind = array.dtype.name
    if kind == "int32":
        return BIAS
    if kind not in ("int4", "int8"):
        return None
    most = np.abs(array.astype(np.int32)).max(initial=0)
    bits = 4 if kind == "int4" else NARROW if most <= WEIGHTS[NARROW].high else 8
    symmetric = zero is None or not np.asarray(zero, np.int32).any()
    return (WEIGHTS if symmetric and most <= -WEIGHTS[bits].low else ASYMMETRIC_WEIGHTS)[bits]
