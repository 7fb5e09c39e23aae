"""What a lowering function sees: operands as tensors, in the layout and type that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk.export.tflite.tensors import (
    CHANNELS_LAST,
    TYPES,
    Place,
    Tensors,
    per_tensor,
    required,
    static_shape,
    stored,
)
from edgesdk_quant.graph import constant, consumers
from edgesdk_quant.tflite.model import Quantization, Subgraph
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

SCALE_16 = 2.0**-15  # of what Softmax, Logistic and Tanh give in 16 bits
STORED = (np.int8, np.uint8, np.int16)
# Relu, and Clip by its bounds -> fused activation.
CLIPS: dict[tuple[float | None, float | None], str] = {
    (0.0, 6.0): "RELU6",
    (-1.0, 1.0): "RELU_N1_TO_1",
    (0.0, None): "RELU",
}


@dataclass(frozen=True)
class Weights:
    """A constant operand.

    Attributes:
        data: as stored, in ONNX order; int8 or float32.
        scale: float32, [] or [C]; None for float weights.
        axis: dimension of C, or the one that is cut into blocks.
        block: how many neighbours along `axis` share a scale; 0 without blocks.
    """

    data: NDArray[np.generic]
    scale: NDArray[np.float32] | None
    axis: int
    block: int = 0


@dataclass
class Program:
    """What the graphs of one model share.

    Attributes:
        lower_node: lowers one node in a scope; gives what stands in the way as text, or "".
        dynamic: linear layers with int8 weights take float rows and quantize them while running.
        subgraphs: those of nested graphs, in the order of their numbers 1, 2, ...
    """

    lower_node: Callable[[Scope, ir.Node], str]
    dynamic: bool = False
    subgraphs: list[Subgraph] = field(default_factory=list)


class Scope:
    """The lowering of one graph: the tensors so far, and where each ONNX value is."""

    def __init__(self, graph: ir.Graph, program: Program) -> None:
        self.graph, self.program = graph, program
        self.given: set[ir.Value] = set()  # inputs of the subgraph
        self._lowered = False
        self.out = Tensors()
        self.places: dict[ir.Value, Place] = {}
        self.done: set[ir.Node] = set()
        # Results of nodes that could not be lowered; who reads them cannot be either.
        self.refused: set[ir.Value] = set()
        # Flattened images keep their bytes; the weights that read them are reordered instead.
        self.feature_order: dict[ir.Value, NDArray[np.int64]] = {}
        self._cached: dict[tuple[ir.Value, str], Place] = {}

    def declare(self, value: ir.Value, order: tuple[int, ...]) -> None:
        """An input of the subgraph, with its dimensions in this order."""
        kind = TYPES.get(value.dtype or ir.DataType.FLOAT)
        if kind is None:
            raise UnsupportedError(f"{value.name} has the type {value.dtype}; use a 32-bit type")
        shape = static_shape(value)
        tensor = self.out.add(str(value.name), kind, tuple(shape[i] for i in order))
        self.places[value] = Place(tensor, order)
        self.given.add(value)

    def is_given(self, tensor: int) -> bool:
        """Whether a tensor is an input of the subgraph or a constant."""
        inputs = {self.places[value].tensor for value in self.given}
        return tensor in inputs or self.out.tensors[tensor].data is not None

    def obstacles(self) -> list[str]:
        """Lower all nodes of the graph; what stands in the way."""
        return [text for node in self.graph if (text := self.program.lower_node(self, node))]

    def finish(self) -> None:
        """Lower all nodes of a nested graph, once.

        Raises:
            UnsupportedError: names all that cannot be lowered.
        """
        if self._lowered:
            return
        self._lowered = True
        obstacles = self.obstacles()
        if obstacles:
            raise UnsupportedError("; ".join(obstacles))

    # --- reading ---------------------------------------------------------------------------

    def place(self, value: ir.Value, *, integer: bool) -> Place:
        """Where a value is, as integers if it is quantized and `integer`, else as floats."""
        producer = value.producer()
        if value in self.places:
            return self.places[value]
        if producer is None or producer.op_type != "DequantizeLinear":
            return self._constant(value)
        source = producer.inputs[0]
        if source is None:
            raise UnsupportedError(f"{producer.name} has no input")
        if source not in self.places:
            self.places[source] = self._quantized_constant(producer)
        if integer:
            return self.places[source]
        if (value, "float") not in self._cached:
            self._cached[value, "float"] = self._dequantized(value, self.places[source])
        return self._cached[value, "float"]

    def tensor(
        self, value: ir.Value, permutation: Sequence[int] | None = None, *, integer: bool
    ) -> int:
        """A value's tensor in the wanted order of dimensions (None: the ONNX order)."""
        wanted = (
            tuple(range(len(static_shape(value)))) if permutation is None else tuple(permutation)
        )
        return self.arranged(value, self.place(value, integer=integer), wanted)

    def arranged(self, value: ir.Value, place: Place, wanted: tuple[int, ...]) -> int:
        """The tensor with its dimensions in another order; a TRANSPOSE only where bytes move."""
        if place.permutation == wanted:
            return place.tensor
        order = [place.permutation.index(dim) for dim in wanted]
        data = self.out.tensors[place.tensor].data
        name = self.out.tensors[place.tensor].name
        if data is not None:
            quantization = self.out.tensors[place.tensor].quantization
            return self.out.constant(name, data.transpose(order), quantization)
        key = (value, f"{self.out.tensors[place.tensor].type}{wanted}")
        if key not in self._cached:
            self._cached[key] = Place(self.transposed(place.tensor, order, name), wanted)
        return self._cached[key].tensor

    def transposed(self, tensor: int, order: Sequence[int], name: str) -> int:
        """Physically reorder a tensor; a RESHAPE is enough where only sizes of 1 move."""
        shape = self.out.shape(tensor)
        result_shape = tuple(shape[i] for i in order)
        result = self.out.like(f"{name}_transposed", tensor, result_shape)
        moving = [i for i in order if shape[i] > 1]
        if moving == sorted(moving):
            self.reshape(tensor, result)
        else:
            permutation = self.out.constant(f"{name}_order", np.array(order, np.int32))
            self.out.emit("TRANSPOSE", [tensor, permutation], [result])
        return result

    def reshape(self, tensor: int, result: int) -> None:
        """Emit RESHAPE to the shape of `result`, or SQUEEZE: a scalar has no shape to write."""
        shape = self.out.shape(result)
        if not shape:
            axes = tuple(range(len(self.out.shape(tensor))))
            self.out.emit("SQUEEZE", [tensor], [result], squeeze_dims=axes)
            return
        operand = self.out.constant(
            f"{self.out.tensors[result].name}_shape", np.array(shape, np.int32)
        )
        self.out.emit("RESHAPE", [tensor, operand], [result], new_shape=shape)

    def weights(self, value: ir.Value) -> Weights:
        """A constant operand, stored as integers or floats.

        Raises:
            UnsupportedError: it is computed at run time.
        """
        producer = value.producer()
        if producer is None or producer.op_type != "DequantizeLinear":
            return Weights(required(value, f"operand {value.name}"), None, 0)
        data = required(producer.inputs[0], f"operand {value.name}")
        scale = np.asarray(required(producer.inputs[1], "a scale"), np.float32)
        axis = producer.attributes.get_int("axis", 1) % max(data.ndim, 1)
        block = producer.attributes.get_int("block_size", 0)
        if block and len(producer.inputs) > 2 and np.any(constant(producer.inputs[2])):
            raise UnsupportedError("TFLite's blocks have no zero points; use symmetric = true")
        return Weights(data, scale, axis, block)

    def reordered(self, value: ir.Value, rows: NDArray[np.generic]) -> NDArray[np.generic]:
        """Weights [units, depth] with their columns in the order that the flattened value has."""
        order = self.feature_order.get(origin(value))
        return rows if order is None else rows[:, order]

    def is_quantized(self, value: ir.Value | None) -> bool:
        """Whether a value comes from a DequantizeLinear of this graph."""
        if value is None or value in self.given:
            return False
        producer = value.producer()
        return producer is not None and producer.op_type == "DequantizeLinear"

    def _constant(self, value: ir.Value) -> Place:
        array = required(value, f"value {value.name}")
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        place = Place(self.out.constant(str(value.name), array), tuple(range(array.ndim)))
        self.places[value] = place
        return place

    def _quantized_constant(self, node: ir.Node) -> Place:
        data = required(node.inputs[0], f"the input of {node.name}")
        scale = required(node.inputs[1], "a scale")
        zero = constant(node.inputs[2]) if len(node.inputs) > 2 else None
        quantization = per_tensor(np.asarray(scale), zero)
        if quantization.scale.size > 1:
            axis = node.attributes.get_int("axis", 1) % data.ndim
            quantization = Quantization(quantization.scale, quantization.zero_point, axis)
        name = str(node.outputs[0].name)
        return Place(self.out.constant(name, stored(data), quantization), tuple(range(data.ndim)))

    def _dequantized(self, value: ir.Value, place: Place) -> Place:
        """A DEQUANTIZE; biases, which runtimes do not dequantize, become real numbers here."""
        shape = self.out.shape(place.tensor)
        source = self.out.tensors[place.tensor]
        if source.type == "INT32" and source.data is not None and source.quantization is not None:
            scale = source.quantization.scale  # of a bias: one, or one for each of [C]
            real = (source.data.astype(np.float64) * scale).astype(np.float32)
            return Place(self.out.constant(str(value.name), real), place.permutation)
        result = self.out.add(str(value.name), "FLOAT32", shape)
        self.out.emit("DEQUANTIZE", [place.tensor], [result])
        return Place(result, place.permutation)

    def quantized_type(self, value: ir.Value | None) -> str:
        """Stored type of a value behind a DequantizeLinear, e.g. INT8; empty for floats."""
        producer = value.producer() if value is not None else None
        source = producer.inputs[0] if producer is not None else None
        if not self.is_quantized(value) or source not in self.places:
            return ""
        return self.out.tensors[self.places[source].tensor].type

    # --- writing ---------------------------------------------------------------------------

    def runs_on_integers(self, node: ir.Node, operands: Sequence[ir.Value | None]) -> bool:
        """Whether all of the node's activations and its result are quantized."""
        _, last = self.activation(node)
        return all(self.is_quantized(v) for v in operands if v is not None) and (
            self.quantizer(last) is not None
        )

    def keeps_scale(self, node: ir.Node, operands: Sequence[ir.Value | None]) -> bool:
        """Whether operands and results are all quantized, and alike: values pass unchanged."""
        quantizers = [self.quantizer(output) for output in node.outputs]
        if not all(self.is_quantized(v) for v in operands if v is not None) or None in quantizers:
            return False
        sources = [v.producer() for v in operands if v is not None]
        parameters = [self.parameters(n) for n in (*sources, *quantizers) if n is not None]
        return all(found == parameters[0] for found in parameters)

    def gives(self, node: ir.Node, scale: float, zero_point: int) -> bool:
        """Whether the result is quantized so, in 8 bits, or by 2^-15 in 16.

        Some kernels of TFLite know no other scale.
        """
        quantizer = self.quantizer(node.outputs[0])
        if quantizer is None:
            return False
        kind, found = self.quantization(quantizer)
        wanted = (scale, zero_point) if kind == "INT8" else (SCALE_16, 0)
        return (float(found.scale[0]), int(found.zero_point[0])) == wanted

    def parameters(self, node: ir.Node) -> tuple[str, float, int] | None:
        """Type, scale and zero point of a Q or DQ node; None if it has several."""
        scale = required(node.inputs[1], "a scale")
        if scale.size != 1:
            return None
        kind, quantization = self.quantization(node)
        return kind, float(quantization.scale[0]), int(quantization.zero_point[0])

    def activation(self, node: ir.Node) -> tuple[str, ir.Value]:
        """The activation that can be fused into a node, and the value that then is its result."""
        output = node.outputs[0]
        readers = consumers(output)
        if len(readers) == 1 and not output.is_graph_output():
            name = activation_name(readers[0])
            if name:
                return name, readers[0].outputs[0]
        return "NONE", output

    def quantizer(self, value: ir.Value) -> ir.Node | None:
        """The QuantizeLinear that alone reads a value."""
        readers = consumers(value)
        alone = len(readers) == 1 and not value.is_graph_output()
        return readers[0] if alone and readers[0].op_type == "QuantizeLinear" else None

    def result(
        self, value: ir.Value, permutation: Sequence[int] | None = None, *, integer: bool
    ) -> int:
        """A new tensor for a node's result; as integers it stands for the quantizer's output."""
        shape = static_shape(value)
        order = tuple(range(len(shape))) if permutation is None else tuple(permutation)
        physical = tuple(shape[i] for i in order)
        quantizer = self.quantizer(value) if integer else None
        if quantizer is None:
            kind = TYPES.get(value.dtype or ir.DataType.FLOAT)
            if kind is None:
                raise UnsupportedError(f"{value.name} has the type {value.dtype}")
            tensor = self.out.add(str(value.name), kind, physical)
            self.places[value] = Place(tensor, order)
            return tensor
        kind, quantization = self.quantization(quantizer)
        tensor = self.out.add(str(value.name), kind, physical, quantization)
        self.places[quantizer.outputs[0]] = Place(tensor, order)
        self.done.add(quantizer)
        return tensor

    def alias(self, value: ir.Value, place: Place, *, integer: bool) -> None:
        """Let a node's result be an existing tensor."""
        quantizer = self.quantizer(value) if integer else None
        self.places[value if quantizer is None else quantizer.outputs[0]] = place
        if quantizer is not None:
            self.done.add(quantizer)

    def quantization(self, quantizer: ir.Node) -> tuple[str, Quantization]:
        """Type and parameters that a Q or DQ node gives to the stored integers."""
        scale = required(quantizer.inputs[1], "a scale")
        zero = (
            constant(quantizer.inputs[2]) if len(quantizer.inputs) > 2 else np.zeros((), np.uint8)
        )
        dtype = np.dtype(np.uint8) if zero is None else zero.dtype
        if dtype not in STORED:
            raise UnsupportedError(
                f"TFLite has no quantized {dtype}; quantize to int8, uint8 or, with zero points of "
                "0, to int16"
            )
        return ("INT16" if dtype == np.int16 else "INT8"), per_tensor(np.asarray(scale), zero)

    def fuse(self, node: ir.Node) -> tuple[str, ir.Value]:
        """Take the activation behind a node into it."""
        name, value = self.activation(node)
        if name != "NONE":
            self.done.add(consumers(node.outputs[0])[0])
        return name, value


def origin(value: ir.Value) -> ir.Value:
    """The value behind a Q/DQ pair, or the value itself."""
    node = value.producer()
    while node is not None and node.op_type in ("DequantizeLinear", "QuantizeLinear"):
        source = node.inputs[0]
        if source is None:
            break
        value, node = source, source.producer()
    return value


def readers(value: ir.Value) -> list[ir.Node]:
    """Nodes that read a value, those behind its Q/DQ pair included."""
    found = []
    for node in consumers(value):
        behind = node.op_type in ("DequantizeLinear", "QuantizeLinear")
        found += readers(node.outputs[0]) if behind else [node]
    return found


def activation_name(node: ir.Node) -> str:
    """TFLite's name for a Relu or Clip; "" for anything else."""
    if node.op_type == "Relu":
        return "RELU"
    if node.op_type != "Clip":
        return ""
    bounds = [_bound(node, 1), _bound(node, 2)]
    return CLIPS.get((bounds[0], bounds[1]), "")


def _bound(node: ir.Node, index: int) -> float | None:
    value = node.inputs[index] if len(node.inputs) > index else None
    array = constant(value)
    if array is None or not np.isfinite(array).all() or abs(float(array.max())) > 1e30:
        return None
    return float(array.reshape(()))


def channels_last(rank: int) -> tuple[int, ...]:
    """The permutation to NHWC.

    Raises:
        UnsupportedError: no image of that rank.
    """
    if rank not in CHANNELS_LAST:
        raise UnsupportedError(f"images of rank {rank}")
    return CHANNELS_LAST[rank]


def permuted(array: Array, order: Sequence[int]) -> Array:
    """A contiguous transpose."""
    return np.ascontiguousarray(array.transpose(order))
