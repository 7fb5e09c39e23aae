"""What ONNX operators look like to quantization: where their weights, data and channels are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph import constant, consumers, scalar

# Operators whose inputs are all data; of the others only input 0 is.
ALL_INPUTS = frozenset({"Add", "Sub", "Mul", "MatMul", "PRelu", "Concat"})
# Bounds of a Clip that integer kernels apply for nothing (TFLite: RELU, RELU6, RELU_N1_TO_1).
CLIPS = frozenset({(0.0, float("inf")), (0.0, 6.0), (-1.0, 1.0)})


@dataclass(frozen=True)
class Weighted:
    """An operator with constant weights.

    Attributes:
        node: the operator.
        weight: its weights, at input 1.
        bias: its bias at input 2, None without.
        axis: dimension of the output channels in `weight`.
    """

    node: ir.Node
    weight: ir.Value
    bias: ir.Value | None
    axis: int


def attribute(node: ir.Node, name: str, default: int | float | str) -> int | float | str:
    """A scalar attribute of a node."""
    found = node.attributes.get(name)
    return default if found is None else type(default)(found.value)


def input_at(node: ir.Node, index: int) -> ir.Value | None:
    """An input, None where it is left out."""
    return node.inputs[index] if index < len(node.inputs) else None


def is_float(value: ir.Value | None) -> bool:
    """Whether a value holds float32, the one type that is quantized."""
    return value is not None and value.dtype == ir.DataType.FLOAT


def data_inputs(node: ir.Node) -> list[ir.Value]:
    """The float inputs that carry data, not parameters."""
    inputs = node.inputs if node.op_type in ALL_INPUTS else node.inputs[:1]
    return [value for value in inputs if value is not None and is_float(value)]


def weighted(node: ir.Node) -> Weighted | None:
    """How a Conv, ConvTranspose, Gemm or MatMul holds its weights; None if it computes them."""
    weight, bias = input_at(node, 1), input_at(node, 2)
    array = constant(weight)
    if weight is None or array is None or not is_float(weight):
        return None
    if bias is not None and constant(bias) is None:
        return None
    if node.op_type in ("Gemm", "MatMul") and array.ndim != 2:
        return None
    return Weighted(node, weight, bias, channel_axis(node))


def bias_place(node: ir.Node) -> tuple[ir.Node, int] | None:
    """The node and the input that hold the constant bias of a weighted operator; None without.

    That of a MatMul is added by the node that alone reads it.
    """
    if node.op_type != "MatMul":
        return (node, 2) if constant(input_at(node, 2)) is not None else None
    readers = consumers(node.outputs[0])
    if len(readers) != 1 or readers[0].op_type != "Add" or node.outputs[0].is_graph_output():
        return None
    weight = constant(input_at(node, 1))
    for index, value in enumerate(readers[0].inputs):
        array = constant(value)
        if array is not None and weight is not None and array.shape == weight.shape[1:]:
            return readers[0], index
    return None


def channel_axis(node: ir.Node) -> int:
    """The dimension of the weights that counts the output channels."""
    if node.op_type == "Gemm":
        return 0 if attribute(node, "transB", 0) else 1
    return {"Conv": 0, "ConvTranspose": 1, "MatMul": 1}[node.op_type]


def is_plain(node: ir.Node) -> bool:
    """Whether integer kernels compute the operator with these attributes."""
    if node.op_type == "Gemm":
        scaled = attribute(node, "alpha", 1.0) != 1 or attribute(node, "beta", 1.0) != 1
        return not scaled and not attribute(node, "transA", 0)
    if node.op_type == "ConvTranspose":
        return attribute(node, "group", 1) == 1
    if node.op_type == "Clip":
        return clip_bounds(node) in CLIPS
    return all(is_float(output) for output in node.outputs)


def clip_bounds(node: ir.Node) -> tuple[float, float] | None:
    """Bounds of a Relu or Clip, None where they are not constant."""
    if node.op_type == "Relu":
        return 0.0, float("inf")
    low = _bound(input_at(node, 1), -np.inf)
    high = _bound(input_at(node, 2), np.inf)
    return None if low is None or high is None else (low, high)


def _bound(value: ir.Value | None, default: float) -> float | None:
    return default if value is None else scalar(value)


def fused_activation(node: ir.Node, fuses: frozenset[str]) -> ir.Node | None:
    """The Relu or Clip that alone reads the node's result, if a kernel can apply it."""
    output = node.outputs[0]
    readers = consumers(output)
    if len(readers) != 1 or output.is_graph_output():
        return None
    reader = readers[0]
    fits = reader.op_type in fuses and reader.graph is node.graph and clip_bounds(reader) in CLIPS
    return reader if fits else None
