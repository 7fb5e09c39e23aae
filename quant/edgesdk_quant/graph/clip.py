"""Clip with constant bounds in its plainest form: Relu, nothing, or one Clip for two."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph.rewrite import bypass, graph_of, input_at, made_by, replace, sole_reader
from edgesdk_quant.graph.values import constant, new_initializer, scalar


def simplify_clips(model: ir.Model) -> None:
    """Merge Clip and Relu in a row; Clip(0, inf) becomes Relu, Clip(-inf, inf) goes."""
    for node in list(model.graph.all_nodes()):
        if (bounds := _bounds(node)) is None or node.op_type == "Relu":
            continue
        before = _clip_before(node)
        if before is not None:
            bounds = _intersect(bounds, _bounds(before))
            node.replace_input_with(0, before.inputs[0])
        _write(node, bounds)


def _bounds(node: ir.Node | None) -> tuple[float, float] | None:
    """Lower and upper bound; None if the node is no float clip with constant bounds."""
    if node is None or node.op_type not in ("Clip", "Relu") or not _is_float(node):
        return None
    if node.op_type == "Relu":
        return 0.0, math.inf
    low, high = input_at(node, 1), input_at(node, 2)
    if any(v is not None and constant(v) is None for v in (low, high)):
        return None
    lowest = -math.inf if low is None else scalar(low)
    highest = math.inf if high is None else scalar(high)
    return None if lowest is None or highest is None else (lowest, highest)


def _is_float(node: ir.Node) -> bool:
    return node.outputs[0].dtype == ir.DataType.FLOAT


def _clip_before(node: ir.Node) -> ir.Node | None:
    """A clip whose only reader is this one; a Relu before an empty overlap stays."""
    for op_type in ("Relu", "Clip"):
        before = made_by(node.inputs[0], op_type)
        if before is not None and sole_reader(before.outputs[0]) is node:
            inner, outer = _bounds(before), _bounds(node)
            if inner and outer and max(inner[0], outer[0]) <= min(inner[1], outer[1]):
                return before
    return None


def _intersect(
    outer: tuple[float, float], inner: tuple[float, float] | None
) -> tuple[float, float]:
    if inner is None:
        return outer
    return max(outer[0], inner[0]), min(outer[1], inner[1])


def _write(node: ir.Node, bounds: tuple[float, float]) -> None:
    low, high = bounds
    if (low, high) == (-math.inf, math.inf):
        bypass(node)
    elif (low, high) == (0, math.inf):
        replace(node, "Relu", [node.inputs[0]])
    elif (scalar(input_at(node, 1)), scalar(input_at(node, 2))) != bounds:
        replace(node, "Clip", [node.inputs[0], *_limits(node, bounds)])


def _limits(node: ir.Node, bounds: tuple[float, float]) -> list[ir.Value | None]:
    return [
        new_initializer(graph_of(node), f"{node.name}_{name}", np.array(bound, np.float32))
        if math.isfinite(bound)
        else None
        for name, bound in zip(("min", "max"), bounds, strict=True)
    ]
