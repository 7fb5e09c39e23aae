"""The growing list of tensors and operators of a TFLite subgraph, and how ONNX values map to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk.export.tflite.versions import version_of
from edgesdk_quant.graph import constant, value_shape
from edgesdk_quant.tflite.model import Operator, OptionValue, Quantization, Tensor
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

TYPES = {
    ir.DataType.FLOAT: "FLOAT32",
    ir.DataType.INT32: "INT32",
    ir.DataType.INT64: "INT64",
    ir.DataType.BOOL: "BOOL",
    ir.DataType.INT8: "INT8",
    ir.DataType.INT4: "INT4",
    ir.DataType.UINT8: "UINT8",  # plain numbers; quantized ones become INT8, 128 lower
    ir.DataType.INT16: "INT16",
}
NUMPY_TYPES = {
    "float32": "FLOAT32",
    "int32": "INT32",
    "int64": "INT64",
    "bool": "BOOL",
    "int8": "INT8",
    "int4": "INT4",
    "uint8": "UINT8",
    "int16": "INT16",
}
UNSIGNED_OFFSET = 128
# NCHW -> NHWC for 1, 2 and 3 spatial dimensions.
CHANNELS_LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}


@dataclass(frozen=True)
class Place:
    """Where an ONNX value lives in the file.

    Attributes:
        tensor: tensor number.
        permutation: dimension i of the tensor is dimension permutation[i] of the ONNX value.
    """

    tensor: int
    permutation: tuple[int, ...]

    @property
    def plain(self) -> bool:
        """Whether the dimensions are in the order of the ONNX value."""
        return self.permutation == tuple(range(len(self.permutation)))


class Tensors:
    """Tensors and operators in the order in which they were made."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []
        self._names: set[str] = set()

    def add(
        self, name: str, kind: str, shape: tuple[int, ...], quantization: Quantization | None = None
    ) -> int:
        """A tensor that an operator or the caller fills."""
        self.tensors.append(Tensor(self._unique(name), kind, shape, None, quantization))
        return len(self.tensors) - 1

    def constant(self, name: str, data: Array, quantization: Quantization | None = None) -> int:
        """A constant; its type follows from its dtype. int4 is held as int8."""
        data = np.array(data, order="C")  # ascontiguousarray would make scalars [1]
        kind = NUMPY_TYPES[data.dtype.name]
        data = data.astype(np.int8) if kind == "INT4" else data
        self.tensors.append(Tensor(self._unique(name), kind, data.shape, data, quantization))
        return len(self.tensors) - 1

    def emit(
        self, code: str, inputs: list[int], outputs: list[int], **options: OptionValue
    ) -> None:
        """Add an operator with the lowest version that its types allow."""
        kinds = [self.tensors[i].type for i in inputs if i >= 0]
        version = version_of(code, kinds, options)
        self.operators.append(Operator(code, tuple(inputs), tuple(outputs), options, version))

    def like(self, name: str, tensor: int, shape: tuple[int, ...]) -> int:
        """A new tensor of the type and quantization of another."""
        source = self.tensors[tensor]
        return self.add(name, source.type, shape, source.quantization)

    def rename(self, tensor: int, name: str) -> None:
        """Give a tensor another name; nothing happens where it has it."""
        if self.tensors[tensor].name != name:
            self.tensors[tensor] = replace(self.tensors[tensor], name=self._unique(name))

    def shape(self, tensor: int) -> tuple[int, ...]:
        return self.tensors[tensor].shape

    def _unique(self, name: str) -> str:
        candidate, count = name, 0
        while candidate in self._names:
            count += 1
            candidate = f"{name}_{count}"
        self._names.add(candidate)
        return candidate


def static_shape(value: ir.Value | None) -> tuple[int, ...]:
    """Sizes of a value.

    Raises:
        UnsupportedError: one is open or 0, or the rank is unknown.
    """
    shape = value_shape(value)
    sizes = tuple(size for size in shape or () if size is not None)
    if shape is None or len(sizes) != len(shape):
        raise UnsupportedError(f"the shape of {_name(value)} is not known before the run")
    if 0 in sizes:
        raise UnsupportedError(f"{_name(value)} has the shape {sizes} and holds nothing")
    return sizes


def _name(value: ir.Value | None) -> str:
    return "a value left out" if value is None else str(value.name)


def per_tensor(scale: Array, zero_point: Array | None) -> Quantization:
    """TFLite parameters from those of a Q or DQ node; uint8 zero points become int8 ones."""
    scale = np.asarray(scale, np.float32).reshape(-1)
    zero = np.zeros(scale.shape, np.int64)
    if zero_point is not None:
        offset = UNSIGNED_OFFSET if zero_point.dtype == np.uint8 else 0
        zero = zero_point.astype(np.int64).reshape(-1) - offset
    return Quantization(scale, zero)


def stored(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Stored integers as TFLite holds them."""
    if array.dtype == np.uint8:
        return (array.astype(np.int16) - UNSIGNED_OFFSET).astype(np.int8)
    return array


def required(value: ir.Value | None, what: str) -> NDArray[np.generic]:
    """A constant operand.

    Raises:
        UnsupportedError: it is computed at run time.
    """
    array = constant(value)
    if array is None:
        raise UnsupportedError(f"{what} is computed at run time")
    return array
