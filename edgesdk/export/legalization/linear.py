"""Gemm and MatMul in the forms that FULLY_CONNECTED and BATCH_MATMUL do not have."""

from __future__ import annotations

import math

import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import constant, static_shape
from edgesdk_quant.graph.rewrite import input_at
from edgesdk_runtimes.errors import UnsupportedError

EXACT_DEPTH = 256  # 256 * 255 * 255 < 2^24: float32 holds every such sum


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


def rewrite_matmul_integer(write: Composer, node: ir.Node) -> bool:
    """Products of 8-bit integers in float, in parts so short that every sum is exact."""
    shape = static_shape(node.inputs[0])
    if shape is None or len(shape) < 2 or len(static_shape(node.inputs[1]) or ()) < 2:
        return False
    left, right = _centred(write, node, 0, [-1, 1]), _centred(write, node, 1)
    total: ir.Value | None = None
    for first in range(0, shape[-1], EXACT_DEPTH):
        bounds = [first], [min(first + EXACT_DEPTH, shape[-1])]
        parts = write("Slice", left, *bounds, [-1]), write("Slice", right, *bounds, [-2])
        product = write("Cast", write("MatMul", *parts), to=int(ir.DataType.INT32))
        total = product if total is None else write("Add", total, product)
    if total is None:
        return False
    write.replace(total)
    return True


def rewrite_conv_integer(write: Composer, node: ir.Node) -> bool:
    """A convolution of 8-bit integers in float, where every sum is exact."""
    kernel = static_shape(node.inputs[1])
    if kernel is None:
        return False
    if math.prod(kernel[1:]) > EXACT_DEPTH:
        raise UnsupportedError(f"sums of more than {EXACT_DEPTH} products are not exact in float")
    column = [-1] + [1] * (len(kernel) - 1)
    operands = [_centred(write, node, 0), _centred(write, node, 1, column)]
    result = write("Conv", *operands, **dict(node.attributes))
    write.replace(write("Cast", result, to=int(ir.DataType.INT32)))
    return True


def _centred(
    write: Composer, node: ir.Node, index: int, shape: list[int] | None = None
) -> ir.Value:
    """An operand less its zero point, in float; several of them in this shape."""
    real = write("Cast", node.inputs[index], to=int(ir.DataType.FLOAT))
    zero = input_at(node, 2 + index)
    if zero is None:
        return real
    offset = write("Cast", zero, to=int(ir.DataType.FLOAT))
    if shape is not None and len(static_shape(zero) or ()) == 1:
        offset = write("Reshape", offset, shape)
    return write("Sub", real, offset)


RULES = {
    "ConvInteger": rewrite_conv_integer,
    "Gemm": rewrite_gemm,
    "MatMul": rewrite_matmul,
    "MatMulInteger": rewrite_matmul_integer,
}
