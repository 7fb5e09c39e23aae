"""The growing list of tensors and operators of a TFLite subgraph, and how ONNX values map to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from edgesdk.export.tflite.permutation import Permutation, plain
from edgesdk.export.tflite.versions import version_of
from edgesdk_quant.graph import value_shape
from edgesdk_quant.tflite.model import Operator, OptionValue, Quantization, Tensor
from edgesdk_quant.tflite.schema import default_options
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

TYPES = {
    ir.DataType.FLOAT: "FLOAT32",
    ir.DataType.INT8: "INT8",
    ir.DataType.INT16: "INT16",
    ir.DataType.INT32: "INT32",
    ir.DataType.INT64: "INT64",
    ir.DataType.UINT8: "UINT8",
    ir.DataType.BOOL: "BOOL",
}
NUMPY_TYPES = {
    "float32": "FLOAT32",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "bool": "BOOL",
}


@dataclass(frozen=True)
class Place:
    """Where an ONNX value lives in the file.

    Attributes:
        tensor: tensor number.
        permutation: dimension i of the tensor is dimension permutation[i] of the ONNX value.
    """

    tensor: int
    permutation: Permutation

    @property
    def is_plain(self) -> bool:
        """Whether the dimensions are in the order of the ONNX value."""
        return self.permutation == plain(len(self.permutation))


class Tensors:
    """Tensors and operators in the order in which they were made."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []
        self._names: set[str] = set()

    def add(
        self,
        name: str,
        kind: str,
        shape: Sequence[int],
        quantization: Quantization | None = None,
    ) -> int:
        """A tensor that an operator or the caller fills."""
        self.tensors.append(Tensor(self._unique(name), kind, tuple(shape), None, quantization))
        return len(self.tensors) - 1

    def constant(self, name: str, data: Array, quantization: Quantization | None = None) -> int:
        """A constant; its type follows from its dtype."""
        data = np.array(data, order="C")
        kind = NUMPY_TYPES.get(data.dtype.name)
        if kind is None:
            raise UnsupportedError(f"constant {name} has the type {data.dtype}")
        self.tensors.append(Tensor(self._unique(name), kind, data.shape, data, quantization))
        return len(self.tensors) - 1

    def emit(
        self, code: str, inputs: Sequence[int], outputs: Sequence[int], **options: OptionValue
    ) -> None:
        """Add an operator with the lowest version that its types allow; other options default."""
        everything = {**default_options(code), **options}
        version = version_of(code, [self.tensors[i] for i in inputs if i >= 0], everything)
        self.operators.append(Operator(code, tuple(inputs), tuple(outputs), everything, version))

    def like(self, name: str, tensor: int, shape: Sequence[int]) -> int:
        """A new tensor of the type and quantization of another."""
        source = self.tensors[tensor]
        return self.add(name, source.type, shape, source.quantization)

    def reshape(self, tensor: int, result: int) -> None:
        """Emit RESHAPE to the shape of `result`."""
        shape = self.shape(result)
        sizes = self.constant(f"{self.tensors[result].name}_shape", np.array(shape, np.int32))
        self.emit("RESHAPE", [tensor, sizes], [result], new_shape=shape)

    def reshaped(self, tensor: int, shape: Sequence[int]) -> int:
        """The same values under another shape."""
        if self.shape(tensor) == tuple(shape):
            return tensor
        result = self.like(f"{self.tensors[tensor].name}_reshaped", tensor, shape)
        self.reshape(tensor, result)
        return result

    def rename(self, tensor: int, name: str) -> None:
        """Give a tensor another name; nothing happens where it has it."""
        if self.tensors[tensor].name != name:
            self.tensors[tensor] = replace(self.tensors[tensor], name=self._unique(name))

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Sizes of a tensor, in the order of the file."""
        return self.tensors[tensor].shape

    def _unique(self, name: str) -> str:
        candidate, count = name, 0
        while candidate in self._names:
            count += 1
            candidate = f"{name}_{count}"
        self._names.add(candidate)
        return candidate


def static_shape(value: ir.Value) -> tuple[int, ...]:
    """Sizes of a value, an open batch taken as 1.

    Raises:
        UnsupportedError: another dimension is open, or the rank is unknown.
    """
    shape = value_shape(value)
    if shape is None or None in shape[1:]:
        raise UnsupportedError(f"the shape of {value.name} is not known before the run")
    return tuple(1 if size is None else size for size in shape)


def tensor_type(value: ir.Value) -> str:
    """Schema name of a value's type.

    Raises:
        UnsupportedError: TFLite does not compute with it.
    """
    kind = TYPES.get(value.dtype or ir.DataType.FLOAT)
    if kind is None:
        raise UnsupportedError(f"{value.name} has the type {value.dtype}")
    return kind
