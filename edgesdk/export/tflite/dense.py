"""Gemm and MatMul -> FULLY_CONNECTED where one operand is constant, else BATCH_MATMUL.

A constant vector that is added to a product in floats becomes its bias.
"""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk.export.tflite.convolution import bias_tensor, float_constant
from edgesdk.export.tflite.scope import Scope, Weights
from edgesdk.export.tflite.tensors import static_shape
from edgesdk_quant.graph import constant, consumers
from edgesdk_quant.tflite.model import Quantization
from edgesdk_runtimes.errors import UnsupportedError


def lower_gemm(scope: Scope, node: ir.Node) -> None:
    """Alpha * A @ B + beta * C, with alpha and beta folded into the constants."""
    if node.attributes.get_int("transA", 0):
        raise UnsupportedError("a transposed first operand")
    alpha, beta = (node.attributes.get_float(name, 1.0) for name in ("alpha", "beta"))
    if (alpha, beta) != (1.0, 1.0):
        raise UnsupportedError("alpha or beta other than 1")
    _fully_connected(scope, node, transposed=bool(node.attributes.get_int("transB", 0)))


def lower_matmul(scope: Scope, node: ir.Node) -> None:
    """MatMul by a constant matrix, or of two activations."""
    left, right = node.inputs[0], node.inputs[1]
    if left is None or right is None:
        raise UnsupportedError("an operand is left out")
    if _is_constant(right) and len(static_shape(right)) == 2 and len(static_shape(left)) >= 2:
        _fully_connected(scope, node, transposed=False)
        return
    integer = scope.runs_on_integers(node, [left, right])
    if min(len(static_shape(left)), len(static_shape(right))) < 2:
        raise UnsupportedError("a vector operand")
    operands = [scope.tensor(value, integer=integer) for value in (left, right)]
    result = scope.result(node.outputs[0], integer=integer)
    scope.out.emit("BATCH_MATMUL", operands, [result], adj_x=False, adj_y=False)


def _is_constant(value: ir.Value) -> bool:
    producer = value.producer()
    if producer is not None and producer.op_type == "DequantizeLinear":
        return constant(producer.inputs[0]) is not None
    return constant(value) is not None


def _fully_connected(scope: Scope, node: ir.Node, *, transposed: bool) -> None:
    value, weight_value = node.inputs[0], node.inputs[1]
    if value is None or weight_value is None:
        raise UnsupportedError("an operand is left out")
    weights = scope.weights(weight_value)
    if weights.data.ndim != 2:
        raise UnsupportedError("weights that are no matrix")
    rows = weights.data if transposed else weights.data.T
    integer = scope.runs_on_integers(node, [value]) and weights.scale is not None
    added = None if integer else _added_vector(node, rows.shape[0])
    activation, result_value = scope.fuse(consumers(node.outputs[0])[0] if added else node)
    x = _flat_input(scope, value, integer=integer)
    w = _matrix(
        scope, str(weight_value.name), scope.reordered(value, rows), weights, integer=integer
    )
    if added:
        scope.done.update(consumers(node.outputs[0]))
        b = scope.out.constant(f"{node.name}_bias", float_constant(scope, added).reshape(-1))
    else:
        b = _bias(scope, node, weights, x if integer else None, rows.shape[0])
    result = scope.result(result_value, integer=integer)
    scope.out.emit(
        "FULLY_CONNECTED",
        [x, w, b],
        [result],
        fused_activation_function=activation,
        weights_format="DEFAULT",
        keep_num_dims=len(static_shape(value)) > 2,
    )


def _added_vector(node: ir.Node, units: int) -> ir.Value | None:
    """The float constant [units] that an Add, the only reader of a product, adds to it."""
    product = node.outputs[0]
    readers = consumers(product)
    if len(node.inputs) > 2 or len(readers) != 1 or product.is_graph_output():
        return None
    others = [value for value in readers[0].inputs if value is not product]
    if readers[0].op_type != "Add" or len(others) != 1 or others[0] is None:
        return None
    shape = static_shape(others[0])
    is_vector = math.prod(shape) == units == (shape or (0,))[-1]
    fits = is_vector and len(shape) <= len(static_shape(product))
    is_float = product.dtype == others[0].dtype == ir.DataType.FLOAT
    return others[0] if fits and is_float and _is_constant(others[0]) else None


def _flat_input(scope: Scope, value: ir.Value, *, integer: bool) -> int:
    return scope.tensor(value, integer=integer)


def _bias(scope: Scope, node: ir.Node, weights: Weights, x: int | None, units: int) -> int:
    if len(node.inputs) > 2 and node.inputs[2] is not None:
        size = math.prod(static_shape(node.inputs[2]) or (1,))
        if size not in (1, units) or not _is_constant(node.inputs[2]):
            raise UnsupportedError("a bias that is no constant vector")
        float_constant(scope, node.inputs[2])
    return bias_tensor(
        scope, node, weights, None if x is None else scope.out.tensors[x].quantization, units
    )


def _matrix(
    scope: Scope, name: str, rows: NDArray[np.generic], weights: Weights, *, integer: bool
) -> int:
    """[units, depth] weights: float or integers, which float activations meet behind DEQUANTIZE.

    In a dynamic program they meet int8 as it is, and the runtime quantizes their rows.
    """
    rows = np.ascontiguousarray(rows)
    if weights.scale is None:
        return scope.out.constant(name, rows)
    if weights.block:
        return scope.out.constant(name, rows, _blocks(weights, rows.shape[1], integer=integer))
    scale = np.atleast_1d(weights.scale)
    tensor = scope.out.constant(name, rows, Quantization(scale, np.zeros(scale.size, np.int64), 0))
    if integer or (scope.program.dynamic and rows.dtype == np.int8):
        return tensor
    result = scope.out.add(f"{name}_float", "FLOAT32", rows.shape)
    scope.out.emit("DEQUANTIZE", [tensor], [result])
    return result


def _blocks(weights: Weights, depth: int, *, integer: bool) -> Quantization:
    """Scales [units, depth / block]; the kernel itself quantizes the rows that it reads.

    Raises:
        UnsupportedError: what TFLite's blocks do not take.
    """
    if integer or weights.scale is None or depth % weights.block:
        raise UnsupportedError(
            f"blocks of {weights.block} weights need float activations and a depth that they "
            f"divide, not {depth}"
        )
    scale = weights.scale.T if weights.axis == 0 else weights.scale
    scale = np.ascontiguousarray(scale)
    return Quantization(scale, np.zeros(scale.shape, np.int64), block=weights.block)


LOWERINGS = {"Gemm": lower_gemm, "MatMul": lower_matmul}
