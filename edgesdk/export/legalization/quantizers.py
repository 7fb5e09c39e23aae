"""Q and DQ nodes that a TFLite tensor cannot stand for, written as the arithmetic that they mean.

A TFLite tensor has one constant scale (weights one for each channel, and no zero point), and its
8 bits are signed.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import constant, consumers, static_shape
from edgesdk_quant.graph.rewrite import graph_of, input_at, made_by
from edgesdk_quant.operators import attribute
from edgesdk_runtimes.base import Array

# Operator -> input that must be a symmetric weight.
WEIGHTED = {"Conv": 1, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1}
LIMITS = {
    ir.DataType.INT8: (-128, 127),
    ir.DataType.UINT8: (0, 255),
    ir.DataType.INT16: (-32768, 32767),
}
UNSIGNED_OFFSET = 128
SMALLEST_BLOCK = 32
WRITTEN_OUT = (
    "Weights in blocks are written as floats: TFLite takes 4 bits, no zero points, blocks of a "
    "multiple of 32 that divide the depth, float activations. Choose symmetric = true and such a "
    "block, or save as .onnx."
)


def rewrite_quantize(write: Composer, node: ir.Node) -> bool:
    """Y = saturate(round(x / scale) + zero point) where plain integers are wanted."""
    out = node.outputs[0]
    if out.dtype not in LIMITS or static_shape(node.inputs[0]) is None:
        return False
    if not _has_one_scale(node):
        blocked = bool(node.attributes.get_int("block_size", 0))
        if blocked and constant(node.inputs[1]) is None:
            return False
        write.replace(_quantized(write, node, node.inputs[0]))
        return True
    plain = [use for use in out.uses() if use.node.op_type != "DequantizeLinear"]
    if not plain and not out.is_graph_output():
        return False
    same = ir.node("QuantizeLinear", node.inputs, dict(node.attributes), name=f"{node.name}.q")
    same.outputs[0].name, same.outputs[0].dtype = f"{out.name}.q", out.dtype
    graph_of(node).insert_before(node, same)
    for use in list(out.uses()):
        if use.node.op_type == "DequantizeLinear":
            use.node.replace_input_with(use.idx, same.outputs[0])
    real = write("DequantizeLinear", same.outputs[0], *node.inputs[1:])
    write.replace(_quantized(write, node, real))
    return True


def _has_one_scale(node: ir.Node) -> bool:
    """Whether a TFLite tensor can be quantized so; 16-bit ones have no zero point."""
    scale, given = constant(node.inputs[1]), input_at(node, 2)
    zero = np.zeros((), np.uint8) if given is None else constant(given)
    if scale is None or scale.size != 1 or zero is None:
        return False
    return zero.dtype != np.int16 or not zero.any()


def _quantized(write: Composer, node: ir.Node, x: ir.Value | None) -> ir.Value:
    kind = node.outputs[0].dtype or ir.DataType.UINT8
    low, high = LIMITS[kind]
    steps = write("Round", write("Div", x, _spread(write, node, node.inputs[1])))
    zero = input_at(node, 2)
    if zero is not None:
        offset = write("Cast", _spread(write, node, zero), to=int(ir.DataType.FLOAT))
        steps = write("Add", steps, offset)
    bounded = write("Clip", steps, float(low), float(high))
    return write("Cast", bounded, to=int(kind))


def _spread(write: Composer, node: ir.Node, parameter: ir.Value | None) -> Array | ir.Value | None:
    """Scale or zero point in the shape that broadcasts over the data."""
    shape, sizes = static_shape(node.inputs[0]) or (), static_shape(parameter) or ()
    axis = node.attributes.get_int("axis", 1)
    block = node.attributes.get_int("block_size", 0)
    array = constant(parameter)
    if block and array is not None:
        at = axis % len(shape)
        full = np.repeat(array, block, at).take(np.arange(shape[at]), at)
        return np.asarray(full)
    if not sizes or sizes == (1,):
        return parameter
    column = [-1] + [1] * (len(shape) - 1 - axis % len(shape))
    return write("Reshape", parameter, column)


def rewrite_dequantize(write: Composer, node: ir.Node) -> bool:
    """(q - zero point) * scale, for plain integers and for weights with a zero point."""
    q = node.inputs[0]
    if made_by(q, "QuantizeLinear") is not None:
        return False
    stored, zero = constant(q), zero_point(node)
    if stored is None:
        return _dequantize_activation(write, node)
    if zero is None:
        return False
    blocked = bool(node.attributes.get_int("block_size", 0))
    offset = UNSIGNED_OFFSET if stored.dtype == np.uint8 else 0
    symmetric = not (zero.astype(np.int64) - offset).any()
    if blocked and symmetric and _holds_blocks(node, stored):
        return False
    if not blocked and (symmetric or not _is_weight(node)):
        return bool(offset) and _is_weight(node) and _shift_weight(write, node, stored, zero)
    if blocked:
        warnings.warn(WRITTEN_OUT, stacklevel=2)
    write.replace(write("Identity", real_values(node, stored, zero)))
    return True


def zero_point(node: ir.Node) -> Array | None:
    """That of a DequantizeLinear, zeros where it is left out; None if it is computed."""
    given, stored, scale = input_at(node, 2), constant(node.inputs[0]), constant(node.inputs[1])
    if given is not None:
        return constant(given)
    kind = np.int8 if stored is None else stored.dtype
    return np.zeros((1,) if scale is None else scale.shape, kind)


def _is_weight(node: ir.Node) -> bool:
    value = node.outputs[0]
    return any(WEIGHTED.get(r.op_type, -1) in _indices(r, value) for r in consumers(value))


def _holds_blocks(node: ir.Node, stored: Array) -> bool:
    """Whether TFLite's FULLY_CONNECTED or EMBEDDING_LOOKUP takes constants in blocks as they are.

    They are int4, cut along the depth into multiples of 32, and read beside float activations.
    """
    block = node.attributes.get_int("block_size", 0)
    axis = node.attributes.get_int("axis", 1) % stored.ndim
    fits = stored.dtype.name == "int4" and stored.ndim == 2 and block % SMALLEST_BLOCK == 0
    if not fits or stored.shape[axis] % block:
        return False
    readers = consumers(node.outputs[0])
    return all(_reads_depth_along(reader, node.outputs[0], axis) for reader in readers)


def _reads_depth_along(node: ir.Node, value: ir.Value, axis: int) -> bool:
    if node.op_type == "Gather":
        table = list(node.inputs).index(value) == 0
        return table and axis == 1 and node.attributes.get_int("axis", 0) == 0
    matrix = node.op_type in ("Gemm", "MatMul") and 1 in _indices(node, value)
    transposed = node.op_type == "Gemm" and bool(attribute(node, "transB", 0))
    floats = made_by(node.inputs[0], "DequantizeLinear") is None
    return matrix and floats and axis == int(transposed)


def _indices(node: ir.Node, value: ir.Value) -> Sequence[int]:
    return [i for i, v in enumerate(node.inputs) if v is value]


def _shift_weight(write: Composer, node: ir.Node, stored: Array, zero: Array) -> bool:
    signed = (stored.astype(np.int16) - UNSIGNED_OFFSET).astype(np.int8)
    attributes = dict(node.attributes)
    zeros = np.zeros(zero.shape, np.int8)
    write.replace(write("DequantizeLinear", signed, node.inputs[1], zeros, **attributes))
    return True


def real_values(node: ir.Node, stored: Array, zero: Array) -> Array:
    """What a DequantizeLinear makes of a constant: float32 of the same shape."""
    scale = constant(node.inputs[1])
    if scale is None:
        scale = np.ones((), np.float32)
    axis, block = node.attributes.get_int("axis", 1), node.attributes.get_int("block_size", 0)
    parameters = [scale, zero]
    if block:
        at = axis % stored.ndim
        parameters = [
            np.repeat(p, block, at).take(np.arange(stored.shape[at]), at) for p in parameters
        ]
    elif scale.size > 1:
        column = [-1] + [1] * (stored.ndim - 1 - axis % stored.ndim)
        parameters = [p.reshape(column) if p.size > 1 else p.reshape(()) for p in parameters]
    else:
        parameters = [p.reshape(()) for p in parameters]
    steps = stored.astype(np.int32) - parameters[1].astype(np.int32)
    return np.asarray(steps.astype(np.float32) * parameters[0], np.float32)


def _dequantize_activation(write: Composer, node: ir.Node) -> bool:
    """Integers that come from outside; one scale makes them quantized again, exactly."""
    if static_shape(node.inputs[0]) is None:
        return False
    real = write("Cast", node.inputs[0], to=int(ir.DataType.FLOAT))
    zero = input_at(node, 2)
    if zero is not None:
        real = write(
            "Sub", real, write("Cast", _spread(write, node, zero), to=int(ir.DataType.FLOAT))
        )
    real = write("Mul", real, _spread(write, node, node.inputs[1]))
    q = node.inputs[0]
    if _has_one_scale(node) and q is not None and q.dtype in LIMITS:
        parameters = [node.inputs[1], zero] if zero is not None else [node.inputs[1]]
        attributes = {} if zero is not None else {"output_dtype": int(q.dtype)}
        again = write("QuantizeLinear", real, *parameters, **attributes)
        real = write("DequantizeLinear", again, *parameters)
    write.replace(real)
    return True


RULES = {"DequantizeLinear": rewrite_dequantize, "QuantizeLinear": rewrite_quantize}
