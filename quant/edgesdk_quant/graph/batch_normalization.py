"""Fold BatchNormalization into the convolution before it, or write it as a depthwise convolution.

y = (x - mean) / sqrt(variance + epsilon) * scale + bias  (Ioffe & Szegedy 2015, algorithm 1)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph.values import constant, consumers, new_initializer, value_shape

CONVOLUTIONS = {"Conv": 0, "ConvTranspose": 1}


@dataclass(frozen=True)
class Affine:
    """y = gain * x + offset; both float64 [C]."""

    gain: NDArray[np.float64]
    offset: NDArray[np.float64]


def fold_batch_normalization(model: ir.Model) -> None:
    """Remove every BatchNormalization whose parameters are constant."""
    for node in list(model.graph):
        if node.op_type != "BatchNormalization" or (affine := _affine(node)) is None:
            continue
        before = node.inputs[0].producer() if node.inputs[0] is not None else None
        if before is not None and _can_take(before):
            _fold_into(model.graph, before, affine)
            replacement = before.outputs[0]
        else:
            replacement = _standalone(model.graph, node, affine)
        replacement.dtype, replacement.shape = node.outputs[0].dtype, node.outputs[0].shape
        node.outputs[0].replace_all_uses_with(replacement, replace_graph_outputs=True)
        model.graph.remove(node, safe=True)


def _affine(node: ir.Node) -> Affine | None:
    arrays = [constant(value) for value in node.inputs[1:5]]
    if any(array is None for array in arrays):
        return None
    scale, bias, mean, variance = (np.asarray(array, np.float64) for array in arrays)
    epsilon = node.attributes.get_float("epsilon", 1e-5)
    gain = scale / np.sqrt(variance + epsilon)
    return Affine(gain, bias - mean * gain)


def _can_take(node: ir.Node) -> bool:
    """Only this BatchNormalization reads the result, and the weights are constant."""
    if node.op_type not in CONVOLUTIONS or constant(node.inputs[1]) is None:
        return False
    if node.op_type == "ConvTranspose" and node.attributes.get_int("group", 1) != 1:
        return False
    out = node.outputs[0]
    constant_bias = (
        len(node.inputs) < 3 or node.inputs[2] is None or constant(node.inputs[2]) is not None
    )
    return constant_bias and len(consumers(out)) == 1 and not out.is_graph_output()


def _fold_into(graph: ir.Graph, node: ir.Node, affine: Affine) -> None:
    weight = np.asarray(constant(node.inputs[1]), np.float64)
    axis = CONVOLUTIONS[node.op_type]
    gain = affine.gain.reshape([-1 if i == axis else 1 for i in range(weight.ndim)])
    bias = constant(node.inputs[2]) if len(node.inputs) > 2 else None
    shifted = affine.offset + (0 if bias is None else np.asarray(bias, np.float64) * affine.gain)
    name = str(node.inputs[1].name if node.inputs[1] is not None else "weight")
    inputs = (
        new_initializer(graph, name, (weight * gain).astype(np.float32)),
        new_initializer(graph, f"{name}_bias", shifted.astype(np.float32)),
    )
    node.resize_inputs(3)
    for i, value in enumerate(inputs, start=1):
        node.replace_input_with(i, value)


def _standalone(graph: ir.Graph, node: ir.Node, affine: Affine) -> ir.Value:
    """A 1x1 depthwise Conv on images (one quantized operator, exact bias), else Mul and Add."""
    rank = len(value_shape(node.inputs[0]) or ())
    name = str(node.name or node.outputs[0].name)
    if rank == 4:
        weight = new_initializer(graph, f"{name}_gain", _float32(affine.gain).reshape(-1, 1, 1, 1))
        bias = new_initializer(graph, f"{name}_offset", _float32(affine.offset))
        made = [
            ir.node("Conv", [node.inputs[0], weight, bias], {"group": affine.gain.size}, name=name)
        ]
    else:
        shape = [-1] + [1] * max(rank - 2, 0)
        gain = new_initializer(graph, f"{name}_gain", _float32(affine.gain).reshape(shape))
        offset = new_initializer(graph, f"{name}_offset", _float32(affine.offset).reshape(shape))
        multiply = ir.node("Mul", [node.inputs[0], gain], name=f"{name}_mul")
        made = [multiply, ir.node("Add", [multiply.outputs[0], offset], name=name)]
    graph.insert_before(node, made)
    return made[-1].outputs[0]


def _float32(array: NDArray[np.float64]) -> NDArray[np.float32]:
    return array.astype(np.float32)
