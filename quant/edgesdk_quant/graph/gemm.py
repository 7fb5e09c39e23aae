"""Gemm with factors of 1: alpha and beta move into a constant weight and bias."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph.rewrite import graph_of, input_at
from edgesdk_quant.graph.values import constant, new_initializer

# factor -> input that takes it
FACTORS = {"alpha": 1, "beta": 2}


def fold_gemm_factors(model: ir.Model) -> None:
    """Multiply constant weights by alpha and constant biases by beta."""
    for node in list(model.graph.all_nodes()):
        if node.op_type == "Gemm":
            for factor, index in FACTORS.items():
                _fold(node, factor, index)


def _fold(node: ir.Node, name: str, index: int) -> None:
    factor, value = node.attributes.get_float(name, 1.0), input_at(node, index)
    array = constant(value)
    if factor == 1 or array is None or array.dtype != np.float32 or value is None:
        return
    scaled = (array.astype(np.float64) * factor).astype(np.float32)
    node.replace_input_with(index, new_initializer(graph_of(node), str(value.name), scaled))
    node.attributes.pop(name)
