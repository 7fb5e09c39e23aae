"""The rules of integer operators without weights: ONNX operator -> numerics.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx_ir as ir
import torch

from edgesdk_quant import numerics
from edgesdk_quant.graph import constant
from edgesdk_quant.numerics import Array, Grid
from edgesdk_quant.operators import input_at
from edgesdk_quant.reference.elementwise import UNARY
from edgesdk_quant.torch_graph import OPERATORS, Call

Rule = Callable[[ir.Node, Sequence[Array], Sequence[Grid], Grid], Array]


def _mean(node: ir.Node, x: Sequence[Array], grids: Sequence[Grid], out: Grid) -> Array:
    rank = x[0].ndim
    named = constant(input_at(node, 1)) if node.op_type == "ReduceMean" else np.arange(2, rank)
    axes = range(rank) if named is None else (int(axis) % rank for axis in named)
    keep = bool(node.attributes.get_int("keepdims", 1))
    return numerics.mean(x[0], tuple(axes), keep, grids[0], out)


def _average(node: ir.Node, x: Sequence[Array], grids: Sequence[Grid], out: Grid) -> Array:
    count = math.prod(node.attributes.get_ints("kernel_shape", []))
    zero = grids[0].zero_point
    centred = torch.from_numpy(x[0].astype(np.float32) - np.float32(zero))
    total = OPERATORS["AveragePool"](Call(node), [centred]).numpy() * np.float32(count)
    whole = np.rint(total).astype(np.int64) + zero * count
    return out.clamp(numerics.average(whole, np.array(count)))


def _softmax(node: ir.Node, x: Sequence[Array], grids: Sequence[Grid], out: Grid) -> Array:
    axis = node.attributes.get_int("axis", -1)
    rows = np.ascontiguousarray(np.moveaxis(x[0], axis, -1))
    return np.moveaxis(numerics.softmax(rows, 1.0, grids[0], out), -1, axis)


def _leaky_relu(node: ir.Node, x: Sequence[Array], grids: Sequence[Grid], out: Grid) -> Array:
    slope = node.attributes.get_float("alpha", 0.01)
    return numerics.rescale_by_256(x[0], grids[0], out, slope)


def _by_table(code: str) -> Rule:
    def rule(node: ir.Node, x: Sequence[Array], grids: Sequence[Grid], out: Grid) -> Array:
        real = numerics.dequantize(np.arange(-128, 128), grids[0]).astype(np.float64)
        with np.errstate(all="ignore"):
            table = numerics.quantize(UNARY[code](real).astype(np.float32), out)
        return numerics.lookup(x[0], table)

    return rule


RULES: Mapping[str, Rule] = {
    "Add": lambda node, x, grids, out: numerics.add(x[0], grids[0], x[1], grids[1], out),
    "AveragePool": _average,
    "Elu": _by_table("ELU"),
    "Exp": _by_table("EXP"),
    "GlobalAveragePool": _mean,
    "HardSwish": lambda node, x, grids, out: numerics.hard_swish(x[0], grids[0], out),
    "LeakyRelu": _leaky_relu,
    "Mul": lambda node, x, grids, out: numerics.multiply(x[0], grids[0], x[1], grids[1], out),
    "ReduceMean": _mean,
    "Sigmoid": _by_table("LOGISTIC"),
    "Softmax": _softmax,
    "Sub": lambda node, x, grids, out: numerics.add(x[0], grids[0], x[1], grids[1], out, -1),
    "Tanh": _by_table("TANH"),
}
