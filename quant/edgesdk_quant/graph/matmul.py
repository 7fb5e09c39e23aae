"""A matrix product with a constant and its bias on two-dimensional data is Gemm."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph.rewrite import made_by, replace, sole_reader
from edgesdk_quant.graph.values import constant, value_shape


def write_gemms(model: ir.Model) -> None:
    """Add(MatMul(x [N, K], W [K, M]), b [M]) becomes Gemm(x, W, b)."""
    for node in list(model.graph.all_nodes()):
        if node.op_type != "Add":
            continue
        for product, bias in (node.inputs, node.inputs[::-1]):
            multiply = made_by(product, "MatMul")
            if multiply is not None and _is_linear(multiply, node, bias):
                replace(node, "Gemm", [*multiply.inputs, bias])
                break


def _is_linear(multiply: ir.Node, add: ir.Node, bias: ir.Value | None) -> bool:
    weight, offset = constant(multiply.inputs[1]), constant(bias)
    if weight is None or offset is None or weight.ndim != 2 or weight.dtype != np.float32:
        return False
    flat = len(value_shape(multiply.inputs[0]) or ()) == 2
    return flat and offset.shape == weight.shape[1:] and sole_reader(multiply.outputs[0]) is add
