"""Gather in a table that has one scale for each row, as quantized embeddings have.

TFLite's GATHER knows one scale for the whole table. The rows are taken as plain integers, their
scales by a second GATHER, and the product of both is what DEQUANTIZE would give, bit for bit.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk.export.tflite.scope import Scope
from edgesdk.export.tflite.tensors import static_shape
from edgesdk_quant.graph import constant
from edgesdk_quant.graph.rewrite import input_at, made_by
from edgesdk_runtimes.errors import UnsupportedError


def is_table_of_rows(scope: Scope, node: ir.Node) -> bool:
    """Whether a Gather along dimension 0 reads constant 8-bit rows with symmetric scales."""
    dequantizer = made_by(node.inputs[0], "DequantizeLinear")
    if dequantizer is None or node.attributes.get_int("axis", 0) != 0:
        return False
    data, scale = constant(dequantizer.inputs[0]), constant(dequantizer.inputs[1])
    zero = constant(input_at(dequantizer, 2))
    if data is None or scale is None or data.dtype != np.int8 or scale.ndim != 1:
        return False
    by_row = dequantizer.attributes.get_int("axis", 1) % data.ndim == 0 and scale.size > 1
    return by_row and (zero is None or not zero.any())


def lower_row_lookup(scope: Scope, node: ir.Node) -> None:
    """GATHER of int8 rows, CAST to float, times GATHER of their scales."""
    table, indices = node.inputs[0], node.inputs[1]
    if table is None or indices is None:
        raise UnsupportedError("an operand is left out")
    weights, name = scope.weights(table), str(node.outputs[0].name)
    scale = np.asarray(weights.scale, np.float32).reshape((-1,) + (1,) * (weights.data.ndim - 1))
    shape = static_shape(node.outputs[0])
    picked = as_int32(scope, scope.tensor(indices, integer=False))
    scale_shape = (*scope.out.shape(picked), *scale.shape[1:])
    stored = scope.out.constant(f"{name}_table", weights.data)
    scales = scope.out.constant(f"{name}_scales", scale)
    rows, steps = (
        scope.out.add(f"{name}_rows", "INT8", shape),
        _float(scope, f"{name}_steps", shape),
    )
    units = _float(scope, f"{name}_units", scale_shape)
    options = {"axis": 0, "batch_dims": 0}
    scope.out.emit("GATHER", [stored, picked], [rows], **options)
    scope.out.emit("CAST", [rows], [steps], in_data_type="INT8", out_data_type="FLOAT32")
    scope.out.emit("GATHER", [scales, picked], [units], **options)
    result = scope.result(node.outputs[0], integer=False)
    scope.out.emit("MUL", [steps, units], [result], fused_activation_function="NONE")


def _float(scope: Scope, name: str, shape: tuple[int, ...]) -> int:
    return scope.out.add(name, "FLOAT32", shape)


def as_int32(scope: Scope, tensor: int) -> int:
    """Constant int64 indices as int32, which every runtime's GATHER takes."""
    source = scope.out.tensors[tensor]
    if source.data is None or source.type != "INT64":
        return tensor
    return scope.out.constant(f"{source.name}_int32", source.data.astype(np.int32))
