"""Constant operands of ONNX nodes: stored integers with their parameters, or floats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph import constant
from edgesdk_quant.tflite.model import Quantization
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

UNSIGNED_OFFSET = 128
"""uint8 values and zero points become int8 ones, this much lower."""


@dataclass(frozen=True)
class Weights:
    """A constant operand.

    Attributes:
        data: as stored, dimensions in ONNX order; int8 or float32.
        scale: float32, [1] or [C]; None for float weights.
        axis: dimension of C.
    """

    data: Array
    scale: NDArray[np.float32] | None = None
    axis: int = 0

    def real(self) -> NDArray[np.float32]:
        """The numbers that are meant, float32."""
        if self.scale is None:
            return self.data.astype(np.float32)
        return np.asarray(self.data.astype(np.float32) * along(self.scale, self.axis, self.data))

    def quantization(self, axis: int) -> Quantization | None:
        """Parameters for the file, where C is dimension `axis`; None for float weights."""
        if self.scale is None:
            return None
        zeros = np.zeros(self.scale.size, np.int64)
        return Quantization(self.scale, zeros, axis if self.scale.size > 1 else 0)


def operand(node: ir.Node, index: int = 0) -> ir.Value:
    """An input that the operator must have.

    Raises:
        UnsupportedError: it is left out.
    """
    value = node.inputs[index] if index < len(node.inputs) else None
    if value is None:
        raise UnsupportedError(f"its input {index} is left out")
    return value


def optional(node: ir.Node, index: int) -> ir.Value | None:
    """An input that may be left out."""
    return node.inputs[index] if index < len(node.inputs) else None


def required(value: ir.Value | None, what: str) -> Array:
    """A constant.

    Raises:
        UnsupportedError: it is computed at run time.
    """
    array = constant(value)
    if array is None:
        raise UnsupportedError(f"{what} is computed at run time")
    return array


def dequantizer(value: ir.Value | None) -> ir.Node | None:
    """The DequantizeLinear that makes a value, if one does."""
    producer = value.producer() if value is not None else None
    return producer if producer is not None and producer.op_type == "DequantizeLinear" else None


def is_constant(value: ir.Value | None) -> bool:
    """Whether a value is a constant, stored as integers or floats."""
    node = dequantizer(value)
    return constant(value if node is None else node.inputs[0]) is not None


def weights(value: ir.Value) -> Weights:
    """A constant operand in the form that integer kernels take, else as floats.

    Raises:
        UnsupportedError: it is computed at run time.
    """
    node = dequantizer(value)
    if node is None:
        return Weights(_float32(required(value, f"operand {value.name}")))
    data = required(operand(node), f"operand {value.name}")
    found = parameters(node, data)
    stored = to_signed(data)
    if found.zero_point.any() or stored.dtype not in (np.int8, np.int32):
        return Weights(_dequantized(stored, found))
    return Weights(stored, found.scale, found.axis)


def real_constant(value: ir.Value) -> NDArray[np.float32]:
    """A constant as the numbers that are meant, float32."""
    return weights(value).real()


def parameters(node: ir.Node, data: Array | None = None) -> Quantization:
    """What the file says of the integers of a QuantizeLinear or DequantizeLinear node.

    Args:
        node: the node; its scale and zero point must be constant.
        data: the stored constant, where it is one; blocks are refused.
    """
    if node.attributes.get_int("block_size", 0):
        raise UnsupportedError("scales for blocks of values")
    scale = required(operand(node, 1), "its scale").astype(np.float32).reshape(-1)
    zero = constant(optional(node, 2))
    zero_point = np.zeros(scale.size, np.int64)
    if zero is not None:
        zero_point += zero.astype(np.int64).reshape(-1)
    if stored_type(node) == ir.DataType.UINT8:
        zero_point -= UNSIGNED_OFFSET
    rank = data.ndim if data is not None else 1
    axis = node.attributes.get_int("axis", 1) % max(rank, 1)
    return Quantization(scale, zero_point, axis if scale.size > 1 else 0)


def stored_type(node: ir.Node) -> ir.DataType | None:
    """ONNX type of the integers of a QuantizeLinear or DequantizeLinear node."""
    value = node.outputs[0] if node.op_type == "QuantizeLinear" else operand(node)
    return value.dtype


def to_signed(data: Array) -> Array:
    """Stored integers as TFLite holds them: uint8 becomes int8."""
    if data.dtype == np.uint8:
        return (data.astype(np.int16) - UNSIGNED_OFFSET).astype(np.int8)
    return data


def along(vector: Array, axis: int, like: Array) -> Array:
    """A vector [C], or [1], in a shape that broadcasts along one dimension of an array."""
    shape = [1] * like.ndim
    if vector.size > 1:
        shape[axis] = -1
    return vector.reshape(shape)


def _dequantized(stored: Array, found: Quantization) -> NDArray[np.float32]:
    zero_point = along(found.zero_point, found.axis, stored)
    centred = (stored.astype(np.int64) - zero_point).astype(np.float32)
    return np.asarray(centred * along(found.scale, found.axis, stored))


def _float32(data: Array) -> Array:
    return data.astype(np.float32) if data.dtype == np.float64 else data
