"""Gemm and MatMul in the forms that FULLY_CONNECTED and BATCH_MATMUL do not have."""

from __future__ import annotations

import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import constant, static_shape
from edgesdk_quant.graph.rewrite import input_at


def rewrite_gemm(write: Composer, node: ir.Node) -> bool:
    """Gemm with a transposed first operand, factors, or a bias that is no constant row."""
    if is_plain(node):
        return False
    operands = [
        write("Transpose", value, perm=[1, 0]) if node.attributes.get_int(name, 0) else value
        for name, value in zip(("transA", "transB"), node.inputs, strict=False)
    ]
    result = _scaled(write, write("MatMul", *operands), node, "alpha")
    bias = input_at(node, 2)
    if bias is not None:
        result = write("Add", result, _scaled(write, bias, node, "beta"))
    write.replace(result)
    return True


def is_plain(node: ir.Node) -> bool:
    """Whether FULLY_CONNECTED can say it."""
    if node.attributes.get_int("transA", 0) or any(
        node.attributes.get_float(name, 1.0) != 1.0 for name in ("alpha", "beta")
    ):
        return False
    return held(input_at(node, 1)) and _is_row(input_at(node, 2), static_shape(node.outputs[0]))


def held(value: ir.Value | None) -> bool:
    """Whether a value is constant, as it is or behind a DequantizeLinear."""
    producer = value.producer() if value is not None else None
    if producer is not None and producer.op_type == "DequantizeLinear":
        value = producer.inputs[0]
    return constant(value) is not None


def _is_row(bias: ir.Value | None, result: tuple[int, ...] | None) -> bool:
    if bias is None:
        return True
    shape = static_shape(bias)
    if shape is None or result is None or not held(bias):
        return False
    return all(size == 1 for size in shape[:-1]) and shape[-1:] in ((), (1,), result[-1:])


def _scaled(write: Composer, value: ir.Value, node: ir.Node, name: str) -> ir.Value:
    factor = float(node.attributes.get_float(name, 1.0))
    return value if factor == 1.0 else write("Mul", value, factor)


def rewrite_matmul(write: Composer, node: ir.Node) -> bool:
    """A vector operand is a matrix of one row or column."""
    left, right = node.inputs
    row, column = (
        static_shape(v) is not None and len(static_shape(v) or ()) == 1 for v in node.inputs
    )
    if not row and not column:
        return False
    product = write(
        "MatMul",
        write("Unsqueeze", left, [0]) if row else left,
        write("Unsqueeze", right, [1]) if column else right,
    )
    axes = [axis for axis, is_vector in ((-2, row), (-1, column)) if is_vector]
    write.replace(write("Squeeze", product, axes))
    return True


RULES = {"Gemm": rewrite_gemm, "MatMul": rewrite_matmul}
