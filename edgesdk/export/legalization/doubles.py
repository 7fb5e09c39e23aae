"""Numbers of 64 bits inside of a model are computed in 32: TFLite's kernels have no others."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph import constant, new_initializer

DOUBLE, FLOAT = ir.DataType.DOUBLE, ir.DataType.FLOAT


def narrow_doubles(model: ir.Model) -> bool:
    """Turn casts to float64 and constants of it into float32, in place; inputs stay as they are.

    Returns:
        Whether anything changed.
    """
    values = list(model.graph.initializers.values())
    held = [value for value in values if value.dtype == DOUBLE and not value.is_graph_output()]
    for value in held:
        array = np.asarray(constant(value), np.float32)
        value.replace_all_uses_with(new_initializer(model.graph, str(value.name), array))
        model.graph.initializers.pop(str(value.name))
    nodes = list(model.graph.all_nodes())
    casts = [node for node in nodes if node.attributes.get_int("to", 0) == DOUBLE]
    for node in casts:
        node.attributes["to"] = ir.AttrInt64("to", int(FLOAT))
    if held or casts:
        for output in (output for node in nodes for output in node.outputs):
            if output.dtype == DOUBLE and not output.is_graph_output():
                output.dtype = FLOAT
    return bool(held or casts)
