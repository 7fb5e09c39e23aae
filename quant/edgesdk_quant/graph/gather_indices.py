"""Count constant Gather indices from the start: most runtimes read no negative ones."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph.rewrite import graph_of
from edgesdk_quant.graph.values import constant, new_initializer, value_shape


def count_indices_from_start(model: ir.Model) -> None:
    """Replace index -1 of a dimension of known size n by n - 1, and so on."""
    for node in list(model.graph.all_nodes()):
        if node.op_type != "Gather":
            continue
        indices, shape = constant(node.inputs[1]), value_shape(node.inputs[0])
        size = shape[node.attributes.get_int("axis", 0)] if shape else None
        if indices is None or size is None or indices.min(initial=0) >= 0:
            continue
        positive = np.asarray(indices, np.int64) % size
        name = str(node.inputs[1].name if node.inputs[1] is not None else node.name)
        node.replace_input_with(1, new_initializer(graph_of(node), name, positive))
