"""What a lowering function sees: operands as tensors, in the layout and type that it asks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk.export.tflite.fusion import activation_name, only_reader, origin
from edgesdk.export.tflite.operands import dequantizer, operand, parameters, required, to_signed
from edgesdk.export.tflite.permutation import CHANNELS_LAST, Permutation, plain
from edgesdk.export.tflite.tensors import Place, Tensors, static_shape, tensor_type
from edgesdk_quant.tflite.model import Quantization
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

STORED_TYPES = {
    ir.DataType.UINT8: "INT8",
    ir.DataType.INT8: "INT8",
    ir.DataType.INT16: "INT16",
}
"""ONNX type of quantized activations -> type in the file; uint8 moves down by 128."""


class Scope:
    """The lowering of one graph: the tensors so far, and where each ONNX value is."""

    def __init__(self, graph: ir.Graph) -> None:
        self.graph = graph
        self.out = Tensors()
        self.places: dict[ir.Value, Place] = {}
        self.done: set[ir.Node] = set()
        # Flattened images keep their bytes; the weights that read them are reordered instead.
        self.feature_order: dict[ir.Value, NDArray[np.int64]] = {}
        self._floats: dict[ir.Value, Place] = {}
        self._arranged: dict[tuple[int, Permutation], int] = {}

    # --- reading ---------------------------------------------------------------------------

    def place(self, value: ir.Value, *, integer: bool) -> Place:
        """Where a value is, as integers if it is quantized and `integer`, else as floats."""
        node = dequantizer(value)
        if node is None:
            if value not in self.places:
                self.places[value] = self._constant(value)
            return self.places[value]
        source = operand(node)
        if source not in self.places:
            self.places[source] = self._quantized_constant(node)
        if integer:
            return self.places[source]
        if value not in self._floats:
            self._floats[value] = self._dequantized(value, self.places[source])
        return self._floats[value]

    def tensor(self, value: ir.Value, order: Permutation | None = None, *, integer: bool) -> int:
        """A value's tensor in the wanted order of dimensions (None: the ONNX order)."""
        wanted = plain(len(static_shape(value))) if order is None else order
        return self.arranged(self.place(value, integer=integer), wanted)

    def arranged(self, place: Place, wanted: Permutation) -> int:
        """The tensor with its dimensions in another order; a TRANSPOSE only where bytes move."""
        if place.permutation == wanted:
            return place.tensor
        order = [place.permutation.index(dim) for dim in wanted]
        key = (place.tensor, tuple(order))
        if key not in self._arranged:
            self._arranged[key] = self._transposed(place.tensor, order)
        return self._arranged[key]

    def reordered(self, value: ir.Value, rows: Array) -> Array:
        """Weights [units, depth] with their columns in the order that the flattened value has."""
        order = self.feature_order.get(origin(value))
        return rows if order is None else rows[:, order]

    def is_quantized(self, value: ir.Value | None) -> bool:
        """Whether a value comes from a DequantizeLinear."""
        return dequantizer(value) is not None

    def shape(self, place: Place) -> tuple[int, ...]:
        """Sizes of a place, in the order of the file."""
        return self.out.shape(place.tensor)

    def _constant(self, value: ir.Value) -> Place:
        array = required(value, f"value {value.name}")
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        return Place(self.out.constant(str(value.name), array), plain(array.ndim))

    def _quantized_constant(self, node: ir.Node) -> Place:
        data = required(operand(node), f"the input of {node.name}")
        name = str(node.outputs[0].name)
        tensor = self.out.constant(name, to_signed(data), parameters(node, data))
        return Place(tensor, plain(data.ndim))

    def _dequantized(self, value: ir.Value, place: Place) -> Place:
        result = self.out.add(str(value.name), "FLOAT32", self.shape(place))
        self.out.emit("DEQUANTIZE", [place.tensor], [result])
        return Place(result, place.permutation)

    def _transposed(self, tensor: int, order: Sequence[int]) -> int:
        """Dimensions physically reordered; RESHAPE is enough where only sizes of 1 move."""
        source = self.out.tensors[tensor]
        shape = [source.shape[i] for i in order]
        if source.data is not None:
            return self._constant_transposed(tensor, order)
        moving = [i for i in order if source.shape[i] > 1]
        if moving == sorted(moving):
            return self.out.reshaped(tensor, shape)
        result = self.out.like(f"{source.name}_transposed", tensor, shape)
        axes = self.out.constant(f"{source.name}_order", np.array(order, np.int32))
        self.out.emit("TRANSPOSE", [tensor, axes], [result])
        return result

    def _constant_transposed(self, tensor: int, order: Sequence[int]) -> int:
        source = self.out.tensors[tensor]
        found = source.quantization
        if found is not None and found.scale.size > 1:
            found = Quantization(found.scale, found.zero_point, list(order).index(found.axis))
        return self.out.constant(source.name, np.transpose(source.data, order), found)

    # --- writing ---------------------------------------------------------------------------

    def runs_on_integers(self, node: ir.Node, operands: Sequence[ir.Value]) -> bool:
        """Whether the node's activations and its result are all quantized."""
        last = self.activation(node)[1]
        return all(map(self.is_quantized, operands)) and self.quantizer(last) is not None

    def activation(self, node: ir.Node) -> tuple[str, ir.Value]:
        """The activation that can be fused into a node, and the value that then is its result."""
        output = node.outputs[0]
        reader = only_reader(output)
        name = activation_name(reader) if reader is not None else ""
        return (name, reader.outputs[0]) if reader is not None and name else ("NONE", output)

    def fuse(self, node: ir.Node) -> tuple[str, ir.Value]:
        """Take the activation behind a node into it."""
        name, value = self.activation(node)
        producer = value.producer()
        if name != "NONE" and producer is not None:
            self.done.add(producer)
        return name, value

    def quantizer(self, value: ir.Value) -> ir.Node | None:
        """The QuantizeLinear that alone reads a value."""
        reader = only_reader(value)
        return reader if reader is not None and reader.op_type == "QuantizeLinear" else None

    def result(self, value: ir.Value, order: Permutation | None = None, *, integer: bool) -> int:
        """A new tensor for a node's result; as integers it stands for the quantizer's output."""
        shape = static_shape(value)
        order = plain(len(shape)) if order is None else order
        stored = [shape[dim] for dim in order]
        quantizer = self.quantizer(value) if integer else None
        if quantizer is None:
            tensor = self.out.add(str(value.name), tensor_type(value), stored)
        else:
            tensor = self.out.add(str(value.name), *self.stored_as(quantizer, stored))
        self.settle(value, Place(tensor, order), integer=integer)
        return tensor

    def settle(self, value: ir.Value, place: Place, *, integer: bool) -> None:
        """Say where a node's result is; as integers it stands for the quantizer's output."""
        quantizer = self.quantizer(value) if integer else None
        if quantizer is None:
            self.places[value] = place
            return
        self.places[quantizer.outputs[0]] = place
        self.done.add(quantizer)

    def stored_as(
        self, quantizer: ir.Node, shape: Sequence[int]
    ) -> tuple[str, Sequence[int], Quantization]:
        """Type, shape and parameters of the tensor that a QuantizeLinear makes."""
        kind = STORED_TYPES.get(quantizer.outputs[0].dtype or ir.DataType.UINT8)
        found = parameters(quantizer)
        if kind is None or found.scale.size > 1:
            raise UnsupportedError("activations that are not int8, uint8 or int16 with one scale")
        return kind, shape, found

    def moved(self, value: ir.Value, source: int, order: Permutation, *, integer: bool) -> int:
        """A new tensor for values that were only moved from `source`.

        Runtimes move stored integers as they are: where the result has another scale, the tensor
        keeps that of the source and a QUANTIZE follows.
        """
        result = self.result(value, order, integer=integer)
        before, after = (self.out.tensors[i].quantization for i in (source, result))
        if same(before, after):
            return result
        kept = self.out.like(f"{value.name}_moved", source, self.out.shape(result))
        self.out.later("QUANTIZE", kept, result)
        return kept


def same(a: Quantization | None, b: Quantization | None) -> bool:
    """Whether two tensors store the same numbers as the same integers."""
    if a is None or b is None:
        return a is b
    return np.array_equal(a.scale, b.scale) and np.array_equal(a.zero_point, b.zero_point)


def channels_last(rank: int) -> Permutation:
    """The permutation to NHWC.

    Raises:
        UnsupportedError: no image of that rank.
    """
    if rank not in CHANNELS_LAST:
        raise UnsupportedError(f"images of rank {rank}")
    return CHANNELS_LAST[rank]
