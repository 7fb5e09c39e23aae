"""Powers with a constant exponent as the plain operators that they are."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph.rewrite import bypass, graph_of, replace
from edgesdk_quant.graph.values import constant, new_initializer, scalar, value_shape


def simplify_powers(model: ir.Model) -> None:
    """Write x ** 2 as Mul and x ** 0.5 as Sqrt; any other exponent gets the type of x."""
    for node in list(model.graph.all_nodes()):
        if node.op_type != "Pow" or not _keeps_shape(node):
            continue
        x, exponent = node.inputs[0], scalar(node.inputs[1])
        if exponent == 2:
            replace(node, "Mul", [x, x])
        elif exponent == 0.5 and x is not None and x.dtype == ir.DataType.FLOAT:
            replace(node, "Sqrt", [x])
        elif exponent == 1:
            bypass(node)
        else:
            _match_type(node)


def _keeps_shape(node: ir.Node) -> bool:
    return value_shape(node.inputs[0]) == value_shape(node.outputs[0])


def _match_type(node: ir.Node) -> None:
    x, held, array = node.inputs[0], node.inputs[1], constant(node.inputs[1])
    if array is None or x is None or held is None or x.dtype != ir.DataType.FLOAT:
        return
    if array.dtype != np.float32:
        value = new_initializer(graph_of(node), str(held.name), array.astype(np.float32))
        node.replace_input_with(1, value)
