"""The .onnx file of a quantized graph: the graph without what readers find out themselves.

Shapes between inputs and outputs are left out; they can be inferred. Beside int4 weights each byte
shows: a bias there says its scale as the product of two scales that the file holds anyway, and a
zero point of zeros goes without saying. The graph that comes back from such a file is the same.
"""

from __future__ import annotations

import onnx_ir as ir

from edgesdk_quant.graph import clone, constant, to_bytes

BIAS = 2


def write_onnx(model: ir.Model) -> bytes:
    """Serialize a graph, float or quantized; the same graph gives the same bytes."""
    small = clone(model)
    for node in list(small.graph):
        _say_scale_as_product(small.graph, node)
    for value in (output for node in small.graph for output in node.outputs):
        if not value.is_graph_output():
            value.shape, value.type = None, None
    return to_bytes(small)


def _say_scale_as_product(graph: ir.Graph, node: ir.Node) -> None:
    if len(node.inputs) <= BIAS:
        return
    x, weight, bias = (_dequantizer(node.inputs[index]) for index in range(BIAS + 1))
    if x is None or weight is None or bias is None or not _is_int4(weight):
        return
    factors = [x.inputs[1], weight.inputs[1]]
    old = bias.inputs[1]
    if old is None or constant(old) is None or len(old.uses()) > 1:
        return
    product = ir.Node("", "Mul", factors, name=f"{old.name}_product")
    product.outputs[0].name = str(old.name)
    graph.insert_before(bias, product)
    bias.replace_input_with(1, product.outputs[0])
    zero = bias.inputs[2] if len(bias.inputs) > 2 else None
    bias.resize_inputs(2)
    for unread in (old, zero):
        if unread is not None and not unread.uses():
            graph.initializers.pop(str(unread.name))


def _dequantizer(value: ir.Value | None) -> ir.Node | None:
    node = value.producer() if value is not None else None
    return node if node is not None and node.op_type == "DequantizeLinear" else None


def _is_int4(node: ir.Node) -> bool:
    stored = node.inputs[0]
    return stored is not None and stored.dtype == ir.DataType.INT4
