"""Gather in a table whose rows have scales of their own, as quantized embeddings have.

int4 rows, or blocks of them, are what EMBEDDING_LOOKUP reads. Older runtimes have no such version
of it, so int8 rows are written with what all of them have: rows are taken as plain integers, their
scales by a second GATHER. Either product is what DequantizeLinear gives, bit for bit.
"""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from edgesdk.export.tflite.scope import Scope, Weights
from edgesdk.export.tflite.tensors import static_shape
from edgesdk_quant.graph import constant
from edgesdk_quant.graph.rewrite import input_at, made_by
from edgesdk_quant.tflite.model import Quantization
from edgesdk_runtimes.errors import UnsupportedError


def is_table_of_rows(scope: Scope, node: ir.Node) -> bool:
    """Whether a Gather along dimension 0 reads constant rows of 8 or 4 bits, symmetric."""
    dequantizer = made_by(node.inputs[0], "DequantizeLinear")
    if dequantizer is None or node.attributes.get_int("axis", 0) != 0:
        return False
    data, scale = constant(dequantizer.inputs[0]), constant(dequantizer.inputs[1])
    zero = constant(input_at(dequantizer, 2))
    if data is None or scale is None or data.dtype.name not in ("int8", "int4"):
        return False
    blocks = dequantizer.attributes.get_int("block_size", 0) > 0
    along = dequantizer.attributes.get_int("axis", 1) % data.ndim
    by_row = along == 1 if blocks else along == 0 and scale.size > 1 and scale.ndim == 1
    return by_row and (zero is None or not zero.any())


def lower_row_lookup(scope: Scope, node: ir.Node) -> None:
    """Floats of the rows that the indices name."""
    table, indices = node.inputs[0], node.inputs[1]
    if table is None or indices is None:
        raise UnsupportedError("an operand is left out")
    weights = scope.weights(table)
    picked = as_int32(scope, scope.tensor(indices, integer=False))
    if _has_odd_rows(weights) or (weights.data.dtype == np.int8 and not weights.block):
        _scaled_gather(scope, node, weights, picked)
    else:
        _embedding_lookup(scope, node, weights, picked)


def _has_odd_rows(weights: Weights) -> bool:
    """LiteRT reads int4 rows as if each began with a whole byte."""
    return weights.data.dtype.name == "int4" and math.prod(weights.data.shape[1:]) % 2 == 1


def _embedding_lookup(scope: Scope, node: ir.Node, weights: Weights, picked: int) -> None:
    """RESHAPE of the int32 indices to one row, EMBEDDING_LOOKUP, RESHAPE."""
    name, scale = str(node.outputs[0].name), np.asarray(weights.scale, np.float32)
    zeros = np.zeros(scale.shape, np.int64)
    quantization = Quantization(scale, zeros, block=weights.block)
    stored = scope.out.constant(f"{name}_table", weights.data, quantization)
    count, width = math.prod(scope.out.shape(picked)), weights.data.shape[1:]
    flat = scope.out.add(f"{name}_indices", "INT32", (count,))
    scope.reshape(_narrow(scope, name, picked), flat)
    rows = _float(scope, f"{name}_rows", (count, *width))
    scope.out.emit("EMBEDDING_LOOKUP", [flat, stored], [rows])
    scope.reshape(rows, scope.result(node.outputs[0], integer=False))


def _narrow(scope: Scope, name: str, indices: int) -> int:
    source = scope.out.tensors[indices]
    if source.type == "INT32":
        return indices
    result = scope.out.add(f"{name}_int32", "INT32", source.shape)
    scope.out.emit("CAST", [indices], [result], in_data_type=source.type, out_data_type="INT32")
    return result


def _scaled_gather(scope: Scope, node: ir.Node, weights: Weights, picked: int) -> None:
    """GATHER of int8 rows, CAST to float, times GATHER of their scales."""
    name = str(node.outputs[0].name)
    scale = np.asarray(weights.scale, np.float32).reshape((-1,) + (1,) * (weights.data.ndim - 1))
    shape = static_shape(node.outputs[0])
    scale_shape = (*scope.out.shape(picked), *scale.shape[1:])
    stored = scope.out.constant(f"{name}_table", weights.data.astype(np.int8))
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
