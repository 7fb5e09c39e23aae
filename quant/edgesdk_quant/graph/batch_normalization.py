"""Fold BatchNormalization into the operator before it, or write it as a depthwise convolution.

y = (x - mean) / sqrt(variance + epsilon) * scale + bias  (Ioffe & Szegedy 2015, algorithm 1)
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph.affine import Affine, absorb, can_absorb
from edgesdk_quant.graph.rewrite import bypass, graph_of, replace
from edgesdk_quant.graph.values import constant, new_initializer, value_shape


def fold_batch_normalization(model: ir.Model) -> None:
    """Remove every BatchNormalization whose parameters are constant."""
    for node in list(model.graph.all_nodes()):
        if node.op_type != "BatchNormalization" or (affine := _affine(node)) is None:
            continue
        before = node.inputs[0].producer() if node.inputs[0] is not None else None
        if before is not None and can_absorb(before):
            absorb(before, affine)
            bypass(node)
        else:
            _write_out(node, affine)


def _affine(node: ir.Node) -> Affine | None:
    arrays = [constant(value) for value in node.inputs[1:5]]
    if any(array is None for array in arrays) or node.attributes.get_int("training_mode"):
        return None
    scale, bias, mean, variance = (np.asarray(array, np.float64) for array in arrays)
    gain = scale / np.sqrt(variance + node.attributes.get_float("epsilon", 1e-5))
    return Affine(gain, bias - mean * gain)


def _write_out(node: ir.Node, affine: Affine) -> None:
    """A 1x1 depthwise Conv on images (one quantized operator, exact bias), else Mul and Add."""
    graph, name = graph_of(node), str(node.name or node.outputs[0].name)
    rank = len(value_shape(node.inputs[0]) or ())
    gain, offset = _float32(affine.gain), _float32(affine.offset)
    if rank == 4:
        weight = new_initializer(graph, f"{name}_gain", gain.reshape(-1, 1, 1, 1))
        bias = new_initializer(graph, f"{name}_offset", offset)
        replace(node, "Conv", [node.inputs[0], weight, bias], {"group": gain.size})
        return
    shape = [-1] + [1] * max(rank - 2, 0)
    factor = new_initializer(graph, f"{name}_gain", gain.reshape(shape))
    addend = new_initializer(graph, f"{name}_offset", offset.reshape(shape))
    multiply = ir.node("Mul", [node.inputs[0], factor], name=f"{name}_mul")
    multiply.outputs[0].name = f"{name}_scaled"
    graph.insert_before(node, multiply)
    replace(node, "Add", [multiply.outputs[0], addend])


def _float32(array: NDArray[np.float64]) -> NDArray[np.float32]:
    return array.astype(np.float32)
