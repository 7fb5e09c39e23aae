"""The .onnx file of a quantized graph: the graph without what readers find out themselves.

Shapes between inputs and outputs are left out; they can be inferred. So are the names of nodes that
only quantize or dequantize, which are named by what they compute, and the zero points of biases,
which are zeros. In a file with int4 weights each byte shows: a bias there says its scale as the
product of two scales that the file holds anyway. Rows of a table are looked up as stored. The graph
that comes back is the same.
"""

from __future__ import annotations

import onnx_ir as ir

from edgesdk_quant.graph import clone, constant, to_bytes
from edgesdk_quant.graph.stored_rows import gather_before_dequantizing

BIAS = 2
ZERO_POINT = 2
QUANTIZING = frozenset({"QuantizeLinear", "DequantizeLinear"})


def write_onnx(model: ir.Model) -> bytes:
    """Serialize a graph, float or quantized; the same graph gives the same bytes."""
    small = clone(model)
    gather_before_dequantizing(small)
    if any(value.dtype == ir.DataType.INT4 for value in small.graph.initializers.values()):
        for node in list(small.graph):
            _say_scale_as_product(small.graph, node)
    for node in small.graph:
        if node.op_type in QUANTIZING:
            node.name = None
            _leave_out_zeros(small.graph, node)
    computed = [output for node in small.graph for output in node.outputs]
    for value in (*computed, *small.graph.initializers.values()):
        if not value.is_graph_output():
            value.shape, value.type = None, None
    return to_bytes(small)


def _leave_out_zeros(graph: ir.Graph, node: ir.Node) -> None:
    """A bias in int32 has no other zero point than 0."""
    stored = node.inputs[0]
    zero = node.inputs[ZERO_POINT] if len(node.inputs) > ZERO_POINT else None
    if stored is None or stored.dtype != ir.DataType.INT32 or zero is None:
        return
    array = constant(zero)
    if array is not None and not array.any():
        node.resize_inputs(ZERO_POINT)
        _forget(graph, zero)


def _forget(graph: ir.Graph, value: ir.Value | None) -> None:
    """Take away an initializer that nothing reads any more."""
    if value is not None and not value.uses() and not value.is_graph_output():
        graph.initializers.pop(str(value.name), None)


def _say_scale_as_product(graph: ir.Graph, node: ir.Node) -> None:
    if len(node.inputs) <= BIAS:
        return
    x, weight, bias = (_dequantizer(node.inputs[index]) for index in range(BIAS + 1))
    if x is None or weight is None or bias is None:
        return
    factors = [x.inputs[1], weight.inputs[1]]
    old = bias.inputs[1]
    if old is None or constant(old) is None or len(old.uses()) > 1:
        return
    product = ir.Node("", "Mul", factors)
    product.outputs[0].name = str(old.name)
    graph.insert_before(bias, product)
    bias.replace_input_with(1, product.outputs[0])
    _forget(graph, old)


def _dequantizer(value: ir.Value | None) -> ir.Node | None:
    node = value.producer() if value is not None else None
    return node if node is not None and node.op_type == "DequantizeLinear" else None
