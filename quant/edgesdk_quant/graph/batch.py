"""An open batch, closed: the shape arithmetic of a model can then be folded."""

from __future__ import annotations

import onnx_ir as ir

from edgesdk_quant.graph.values import value_shape


def with_batch_of_one(model: ir.Model) -> ir.Model:
    """Copy of a model whose open batch is 1; shapes that followed from it are to be inferred."""
    model = model.clone()
    for value in model.graph.inputs:
        shape = value_shape(value)
        if shape is not None and shape[:1] == (None,):
            value.shape = ir.Shape([1, *(size or 1 for size in shape[1:])])
    for value in (output for node in model.graph.all_nodes() for output in node.outputs):
        if not value.is_graph_output():
            value.shape = None
    return model
