"""A part of a graph as a model of its own, cut at named values."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir
from onnx_ir.passes import common

from edgesdk_quant.graph.file import clone


def segment(model: ir.Model, inputs: Sequence[str], outputs: Sequence[str]) -> ir.Model:
    """The nodes that compute `outputs` from `inputs`; the model is left unchanged.

    Args:
        model: one main graph.
        inputs: names of graph inputs or computed values: what the part starts from.
        outputs: names of computed values.
    """
    part = clone(model)
    produced = [value for node in part.graph for value in node.outputs]
    values = {str(value.name): value for value in (*part.graph.inputs, *produced)}
    results = [values[name] for name in outputs]
    starts = []
    for name in inputs:
        old = values[name]
        start = ir.Value(name=name, shape=old.shape, type=old.type)
        old.replace_all_uses_with(start, replace_graph_outputs=True)
        old.name = f"{name}_before"
        starts.append(start)
    part.graph.inputs[:] = starts
    part.graph.outputs[:] = results
    common.RemoveUnusedNodesPass()(part)
    return part
