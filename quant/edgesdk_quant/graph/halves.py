"""Models in float16 or bfloat16 are computed in float32, which holds all of their numbers."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

HALVES = frozenset({ir.DataType.FLOAT16, ir.DataType.BFLOAT16})
TYPE_ATTRIBUTES = ("to", "dtype")  # of Cast, and of what makes tensors


def widen_halves(model: ir.Model) -> None:
    """Give every value of 16 bits 32, in place, inputs and outputs included."""
    for value in model.graph.initializers.values():
        if value.dtype in HALVES:
            _widen_weight(value)
    for graph in model.graphs():
        for value in (*graph.inputs, *(output for node in graph for output in node.outputs)):
            if value.dtype in HALVES:
                value.dtype = ir.DataType.FLOAT
    for node in model.graph.all_nodes():
        _widen_attributes(node)


def _widen_weight(value: ir.Value) -> None:
    if value.const_value is not None:
        array = value.const_value.numpy().astype(np.float32)
        value.const_value = ir.tensor(array, name=value.name)
    value.dtype = ir.DataType.FLOAT


def _widen_attributes(node: ir.Node) -> None:
    for name in TYPE_ATTRIBUTES:
        if node.attributes.get_int(name, 0) in HALVES:
            node.attributes[name] = ir.AttrInt64(name, int(ir.DataType.FLOAT))
    value = node.attributes.get("value")
    if value is not None and value.type == ir.AttributeType.TENSOR:
        tensor = value.as_tensor()
        if tensor.dtype in HALVES:
            wide = ir.tensor(tensor.numpy().astype(np.float32))
            node.attributes["value"] = ir.AttrTensor("value", wide)
