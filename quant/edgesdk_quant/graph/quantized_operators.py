"""Models in the old "QOperator" form enter as Q/DQ: QLinearConv is Conv between DQ and Q."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph.rewrite import graph_of, input_at, replace
from edgesdk_quant.graph.values import constant, new_initializer, value_shape


def write_quantized_operators(model: ir.Model) -> None:
    """Rewrite every QLinearConv and QLinearMatMul whose scales are constant."""
    for node in list(model.graph.all_nodes()):
        if node.op_type in OPERATORS and all(constant(node.inputs[i]) is not None for i in SCALES):
            OPERATORS[node.op_type](model.graph, node)


# Inputs: a, its scale and zero point, b, its scale and zero point, those of the result, a bias.
SCALES = (1, 2, 4, 5, 6, 7)


def _convolution(graph: ir.Graph, node: ir.Node) -> None:
    x, w = _real(node, 0, {}), _real(node, 3, {"axis": 0})
    operands, bias = [x, w], input_at(node, 8)
    if bias is not None:
        steps = np.multiply(*(np.asarray(constant(node.inputs[i]), np.float32) for i in (1, 4)))
        scale = new_initializer(graph, f"{bias.name}_scale", np.asarray(steps))
        operands.append(_dequantized(node, f"{node.name}_b", bias, scale, None, {"axis": 0}))
    _between(node, "Conv", operands)


def _product(graph: ir.Graph, node: ir.Node) -> None:
    rank = len(value_shape(node.inputs[3]) or (0, 0))
    _between(node, "MatMul", [_real(node, 0, {}), _real(node, 3, {"axis": rank - 1})])


OPERATORS: dict[str, Callable[[ir.Graph, ir.Node], None]] = {
    "QLinearConv": _convolution,
    "QLinearMatMul": _product,
}


def _real(node: ir.Node, index: int, attributes: dict[str, Any]) -> ir.Value:
    """An operand as floats; an axis counts only where there is a scale for each channel."""
    value, scale, zero = node.inputs[index : index + 3]
    array = constant(scale)
    own = attributes if array is not None and array.size > 1 else {}
    return _dequantized(node, f"{node.name}_{index}", value, scale, zero, own)


def _dequantized(
    node: ir.Node,
    name: str,
    value: ir.Value | None,
    scale: ir.Value | None,
    zero: ir.Value | None,
    attributes: dict[str, Any],
) -> ir.Value:
    inputs = [value, scale] if zero is None else [value, scale, zero]
    made = ir.node("DequantizeLinear", inputs, attributes, name=name)
    result = made.outputs[0]
    result.name, result.dtype = name, ir.DataType.FLOAT
    result.shape = value.shape if value is not None else None
    graph_of(node).insert_before(node, made)
    return result


def _between(node: ir.Node, op_type: str, operands: list[ir.Value]) -> None:
    """The float operator on the operands, and a QuantizeLinear in place of the node."""
    made = ir.node(op_type, operands, dict(node.attributes), name=f"{node.name}_{op_type}")
    result = made.outputs[0]
    result.name, result.dtype, result.shape = made.name, ir.DataType.FLOAT, node.outputs[0].shape
    graph_of(node).insert_before(node, made)
    replace(node, "QuantizeLinear", [result, node.inputs[6], node.inputs[7]])
