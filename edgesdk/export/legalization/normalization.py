"""Normalizations written out."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import static_shape
from edgesdk_quant.graph.rewrite import input_at


def rewrite_lp_normalization(write: Composer, node: ir.Node) -> bool:
    """P = 1: x over the sum of magnitudes."""
    if node.attributes.get_int("p", 2) != 1:
        return False
    x, axis = node.inputs[0], int(node.attributes.get_int("axis", -1))
    write.replace(write("Div", x, write("ReduceSum", write("Abs", x), [axis], keepdims=1)))
    return True


def rewrite_instance_normalization(write: Composer, node: ir.Node) -> bool:
    """(x - mean) / sqrt(variance + epsilon) * scale + bias over the spatial dimensions."""
    x, scale, bias = node.inputs
    rank = len(static_shape(x) or ())
    if rank < 3:
        return False
    axes, column = list(range(2, rank)), [-1] + [1] * (rank - 2)
    centred = write("Sub", x, write("ReduceMean", x, axes, keepdims=1))
    variance = write("ReduceMean", write("Mul", centred, centred), axes, keepdims=1)
    epsilon = float(node.attributes.get_float("epsilon", 1e-5))
    deviation = write("Sqrt", write("Add", variance, epsilon))
    scaled = write("Mul", write("Div", centred, deviation), write("Reshape", scale, column))
    write.replace(write("Add", scaled, write("Reshape", bias, column)))
    return True


def rewrite_batch_normalization(write: Composer, node: ir.Node) -> bool:
    """The inference form with parameters that are no constants."""
    rank = len(static_shape(node.inputs[0]) or ())
    training = bool(node.attributes.get_int("training_mode", 0))
    if rank < 2 or training:
        return False
    column = [-1] + [1] * (rank - 2)
    scale, bias, mean, variance = (write("Reshape", v, column) for v in node.inputs[1:5])
    epsilon = float(node.attributes.get_float("epsilon", 1e-5))
    deviation = write("Sqrt", write("Add", variance, epsilon))
    normal = write("Div", write("Sub", node.inputs[0], mean), deviation)
    write.replace(write("Add", write("Mul", normal, scale), bias))
    return True


def rewrite_lrn(write: Composer, node: ir.Node) -> bool:
    """X / (bias + alpha / size * sum of squares of the channels around)^beta."""
    shape, size = static_shape(node.inputs[0]), node.attributes.get_int("size", 1)
    if shape is None:
        return False
    x, before = node.inputs[0], (size - 1) // 2
    pads = np.zeros((2, len(shape)), np.int64)
    pads[:, 1] = before, size - 1 - before
    squares = write("Pad", write("Mul", x, x), pads.ravel(), 0.0)
    total = write("Slice", squares, [0], [shape[1]], [1])
    for k in range(1, size):
        total = write("Add", total, write("Slice", squares, [k], [k + shape[1]], [1]))
    alpha, beta, bias = (
        float(node.attributes.get_float(name, default))
        for name, default in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0))
    )
    base = write("Add", write("Mul", total, alpha / size), bias)
    write.replace(write("Div", x, write("Pow", base, beta)))
    return True


def rewrite_log_sum_exp(write: Composer, node: ir.Node) -> bool:
    """The largest value taken out first, so that nothing overflows."""
    x, axes = node.inputs[0], input_at(node, 1)
    nothing = bool(node.attributes.get_int("noop_with_empty_axes", 0))
    if axes is None and nothing:
        return False
    largest = write("ReduceMax", x, axes, keepdims=1)
    powers = write("Exp", write("Sub", x, largest))
    total = write("Add", write("Log", write("ReduceSum", powers, axes, keepdims=1)), largest)
    keep = node.attributes.get_int("keepdims", 1)
    write.replace(total if keep else write("Squeeze", total, axes))
    return True


def rewrite_hardmax(write: Composer, node: ir.Node) -> bool:
    """1 at the first largest value, 0 elsewhere."""
    shape = static_shape(node.inputs[0])
    if shape is None:
        return False
    axis = node.attributes.get_int("axis", -1) % len(shape)
    column = [-1] + [1] * (len(shape) - 1 - axis)
    best = write("ArgMax", node.inputs[0], axis=axis, keepdims=1)
    hit = write("Equal", best, np.arange(shape[axis]).reshape(column))
    write.replace(write("Cast", hit, to=int(ir.DataType.FLOAT)))
    return True


RULES = {
    "BatchNormalization": rewrite_batch_normalization,
    "Hardmax": rewrite_hardmax,
    "InstanceNormalization": rewrite_instance_normalization,
    "LRN": rewrite_lrn,
    "LpNormalization": rewrite_lp_normalization,
    "ReduceLogSumExp": rewrite_log_sum_exp,
}
