"""A gain and offset for each channel, and the operators that can absorb them into their weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph.rewrite import graph_of, input_at, sole_reader
from edgesdk_quant.graph.values import constant, new_initializer


@dataclass(frozen=True)
class Affine:
    """y = gain * x + offset; both float64 [C]."""

    gain: NDArray[np.float64]
    offset: NDArray[np.float64]


def output_axis(node: ir.Node) -> int | None:
    """Axis of the weight that counts output channels; None if the operator cannot absorb."""
    if node.op_type == "Conv":
        return 0
    if node.op_type == "ConvTranspose" and node.attributes.get_int("group", 1) == 1:
        return 1
    if node.op_type == "Gemm" and _is_plain(node):
        return 0 if node.attributes.get_int("transB", 0) else 1
    return None


def can_absorb(node: ir.Node | None) -> bool:
    """Whether weight and bias are constant float32 and only one node reads the result."""
    if node is None or output_axis(node) is None or sole_reader(node.outputs[0]) is None:
        return False
    weight, bias = constant(input_at(node, 1)), input_at(node, 2)
    if weight is None or weight.dtype != np.float32:
        return False
    return bias is None or constant(bias) is not None


def channels(node: ir.Node) -> int:
    """Output channels of an operator that can absorb."""
    weight, axis = constant(node.inputs[1]), output_axis(node)
    if weight is None or axis is None:
        raise ValueError(f"node {node.name!r} has no constant weight")
    return int(weight.shape[axis])


def absorb(node: ir.Node, affine: Affine) -> None:
    """Change weight and bias so that the node computes gain * y + offset; computed in float64."""
    graph = graph_of(node)
    weight = np.asarray(constant(node.inputs[1]), np.float64)
    bias = np.asarray(0 if (b := constant(input_at(node, 2))) is None else b, np.float64)
    gain = affine.gain.reshape([-1 if i == output_axis(node) else 1 for i in range(weight.ndim)])
    # Gemm's bias may be a row; channels are last there, and alone in a convolution's bias.
    shifted = np.broadcast_to(bias.reshape(-1), affine.gain.shape) * affine.gain + affine.offset
    source = node.inputs[1].name if node.inputs[1] is not None else None
    node.resize_inputs(3)
    for i, name, array in ((1, source, weight * gain), (2, f"{source}_bias", shifted)):
        value = new_initializer(graph, str(name), array.astype(np.float32))
        node.replace_input_with(i, value)


def _is_plain(gemm: ir.Node) -> bool:
    """Whether alpha = beta = 1 and the bias is a number or a row."""
    bias = constant(input_at(gemm, 2))
    plain = all(gemm.attributes.get_float(name, 1.0) == 1 for name in ("alpha", "beta"))
    return plain and (bias is None or bias.size == 1 or bias.size == bias.shape[-1])
