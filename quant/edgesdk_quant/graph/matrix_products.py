"""Gemm by a constant matrix as MatMul and Add: what runtimes take weights in blocks in."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph.rewrite import graph_of, input_at, replace
from edgesdk_quant.graph.values import constant, new_initializer


def write_matrix_products(model: ir.Model) -> None:
    """Rewrite each Gemm with constant weights, in place; its name stays with the MatMul.

    ONNX Runtime fuses int4 blocks only as [K, N], cut along axis 0, and not behind a transpose.
    """
    for node in list(model.graph):
        weight = constant(input_at(node, 1))
        factors = (node.attributes.get_float(name, 1.0) for name in ("alpha", "beta"))
        plain = not node.attributes.get_int("transA", 0) and all(f == 1.0 for f in factors)
        if node.op_type == "Gemm" and weight is not None and plain:
            _rewrite(node, np.asarray(weight))


def _rewrite(node: ir.Node, weight: np.ndarray) -> None:
    graph, bias, name = graph_of(node), input_at(node, 2), str(node.name)
    old = node.inputs[1]
    rows = weight.T if node.attributes.get_int("transB", 0) else weight
    columns = new_initializer(graph, f"{old.name if old is not None else name}_columns", rows)
    if bias is None:
        replace(node, "MatMul", [node.inputs[0], columns])
        return
    product = ir.node("MatMul", [node.inputs[0], columns], name=name)
    product.outputs[0].name = f"{name}_product"
    product.outputs[0].type, product.outputs[0].shape = node.outputs[0].type, node.outputs[0].shape
    graph.insert_before(node, product)
    node.name = f"{name}_bias"
    replace(node, "Add", [product.outputs[0], bias])
