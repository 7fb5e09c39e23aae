"""Models in the old "QOperator" form enter as Q/DQ: QLinearConv is Conv between DQ and Q."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph.rewrite import graph_of, input_at, replace
from edgesdk_quant.graph.values import constant, new_initializer, value_shape
from edgesdk_runtimes.errors import UnsupportedError


@dataclass(frozen=True)
class Plain:
    """An operator of ONNX Runtime whose operands are each followed by scale and zero point.

    Attributes:
        op_type: the float operator that it is.
        operands: where the operands are.
        result: where the scale of the result is, in front of its zero point.
    """

    op_type: str
    operands: slice
    result: int


# Those that ONNX Runtime's own quantizer writes in the domain com.microsoft.
PLAIN = {
    "QLinearAdd": Plain("Add", slice(0, 6, 3), 6),
    "QLinearAveragePool": Plain("AveragePool", slice(0, 1), 3),
    "QLinearConcat": Plain("Concat", slice(2, None, 3), 0),
    "QLinearGlobalAveragePool": Plain("GlobalAveragePool", slice(0, 1), 3),
    "QLinearLeakyRelu": Plain("LeakyRelu", slice(0, 1), 3),
    "QLinearMul": Plain("Mul", slice(0, 6, 3), 6),
    "QLinearSigmoid": Plain("Sigmoid", slice(0, 1), 3),
    "QLinearSoftmax": Plain("Softmax", slice(0, 1), 3),
}
FOREIGN = frozenset({*PLAIN, "QGemm"})
# Attributes of theirs that say what the standard's operator does anyway.
SAID_ANYWAY = {"channels_last": (0,), "opset": range(13, 100)}


def write_quantized_operators(model: ir.Model) -> None:
    """Rewrite every operator of this form whose scales are constant.

    Raises:
        UnsupportedError: one of ONNX Runtime's has scales that are computed, or is another's.
    """
    for node in list(model.graph.all_nodes()):
        if node.op_type in PLAIN:
            _plain(node, PLAIN[node.op_type])
        elif node.op_type in OPERATORS:
            scales, write = OPERATORS[node.op_type]
            if all(constant(input_at(node, i)) is not None for i in scales):
                write(model.graph, node)
    left = sorted({node.op_type for node in model.graph.all_nodes() if node.op_type in FOREIGN})
    if left:
        raise UnsupportedError(
            f"the model has operators of ONNX Runtime in a form that is not known here: "
            f"{', '.join(left)}; quantize it with quant_format=QuantFormat.QDQ"
        )


def _plain(node: ir.Node, form: Plain) -> None:
    starts = range(len(node.inputs))[form.operands]
    scales = [constant(input_at(node, i + 1)) for i in starts]
    attributes = dict(node.attributes)
    said = [attributes.pop(n).value in v for n, v in SAID_ANYWAY.items() if n in attributes]
    if all(said) and all(scale is not None for scale in scales):
        operands = [_real(node, i, {}) for i in starts]
        _between(node, form.op_type, operands, form.result, attributes)


def _convolution(graph: ir.Graph, node: ir.Node) -> None:
    x, w = _real(node, 0, {}), _real(node, 3, {"axis": 0})
    _between(node, "Conv", [x, w, *_bias(graph, node, 8)], 6, node.attributes)


def _gemm(graph: ir.Graph, node: ir.Node) -> None:
    """The result of a QGemm without a scale is float."""
    channels = 0 if node.attributes.get_int("transB", 0) else 1
    operands = [_real(node, 0, {}), _real(node, 3, {"axis": channels}), *_bias(graph, node, 6)]
    if input_at(node, 7) is None:
        replace(node, "Gemm", operands, node.attributes)
    else:
        _between(node, "Gemm", operands, 7, node.attributes)


def _bias(graph: ir.Graph, node: ir.Node, index: int) -> list[ir.Value]:
    """The bias in units of the two scales, as floats; none where it is left out."""
    bias = input_at(node, index)
    if bias is None:
        return []
    steps = np.multiply(*(np.asarray(constant(node.inputs[i]), np.float32) for i in (1, 4)))
    scale = new_initializer(graph, f"{bias.name}_scale", np.asarray(steps))
    axis = {"axis": 0} if steps.size > 1 else {}
    return [_dequantized(node, f"{node.name}_b", bias, scale, None, axis)]


def _product(graph: ir.Graph, node: ir.Node) -> None:
    rank = len(value_shape(node.inputs[3]) or (0, 0))
    operands = [_real(node, 0, {}), _real(node, 3, {"axis": rank - 1})]
    _between(node, "MatMul", operands, 6, node.attributes)


# Operator -> inputs that must be constant: scales, and zero points that are not left out.
OPERATORS: dict[str, tuple[tuple[int, ...], Callable[[ir.Graph, ir.Node], None]]] = {
    "QLinearConv": ((1, 2, 4, 5, 6, 7), _convolution),
    "QLinearMatMul": ((1, 2, 4, 5, 6, 7), _product),
    "QGemm": ((1, 4), _gemm),
}


def _real(node: ir.Node, index: int, attributes: dict[str, Any]) -> ir.Value:
    """An operand as floats; an axis counts only where there is a scale for each channel."""
    value, scale, zero = (input_at(node, i) for i in range(index, index + 3))
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


def _between(
    node: ir.Node,
    op_type: str,
    operands: list[ir.Value],
    scale: int,
    attributes: Mapping[str, ir.Attr],
) -> None:
    """The float operator on the operands, and a QuantizeLinear in place of the node."""
    made = ir.node(op_type, operands, dict(attributes), name=f"{node.name}_{op_type}")
    result = made.outputs[0]
    result.name, result.dtype, result.shape = made.name, ir.DataType.FLOAT, node.outputs[0].shape
    graph_of(node).insert_before(node, made)
    zero = input_at(node, scale + 1)
    replace(node, "QuantizeLinear", [result, node.inputs[scale], *([] if zero is None else [zero])])
