"""Recognise HardSigmoid and HardSwish (Howard et al. 2019, section 5.2) written out with Clip."""

from __future__ import annotations

import math

import onnx_ir as ir

from edgesdk_quant.graph.rewrite import input_at, made_by, replace
from edgesdk_quant.graph.values import scalar

# HardSwish's own slope and offset; HardSigmoid has them as attributes.
ALPHA, BETA = 1 / 6, 0.5


def fuse_hard_swish(model: ir.Model) -> None:
    """Clip(x + 3, 0, 6) / 6 becomes HardSigmoid, and its product with x HardSwish."""
    for node in list(model.graph.all_nodes()):
        if (x := _sixth_of_clip(node)) is not None:
            replace(node, "HardSigmoid", [x], {"alpha": ALPHA, "beta": BETA})
    for node in list(model.graph.all_nodes()):
        if node.op_type in ("Mul", "Div") and (x := _swish_input(node)) is not None:
            replace(node, "HardSwish", [x])


def _sixth_of_clip(node: ir.Node) -> ir.Value | None:
    """The x of Clip(x + 3, 0, 6) / 6."""
    if not _is_sixth(node):
        return None
    return next((x for v in node.inputs if (x := _clip_input(v)) is not None), None)


def _swish_input(node: ir.Node) -> ir.Value | None:
    """The x of x * HardSigmoid(x), or of (x * Clip(x + 3, 0, 6)) / 6."""
    if node.op_type == "Mul":
        for x, gate in (node.inputs, node.inputs[::-1]):
            if _hard_sigmoid_input(gate) is x:
                return x
    if not _is_sixth(node):
        return None
    for product in filter(None, (made_by(v, "Mul") for v in node.inputs)):
        for x, gate in (product.inputs, product.inputs[::-1]):
            if x is not None and _clip_input(gate) is x:
                return x
    return None


def _is_sixth(node: ir.Node) -> bool:
    if node.op_type == "Div":
        return _is_near(node.inputs[1], 6)
    return node.op_type == "Mul" and any(_is_near(v, 1 / 6) for v in node.inputs)


def _clip_input(value: ir.Value | None) -> ir.Value | None:
    """The x of Clip(x + 3, 0, 6)."""
    clip = made_by(value, "Clip")
    if clip is None or not (_is_near(input_at(clip, 1), 0) and _is_near(input_at(clip, 2), 6)):
        return None
    add = made_by(clip.inputs[0], "Add")
    if add is None:
        return None
    first, second = add.inputs
    if _is_near(second, 3):
        return first
    return second if _is_near(first, 3) else None


def _hard_sigmoid_input(value: ir.Value | None) -> ir.Value | None:
    gate = made_by(value, "HardSigmoid")
    if gate is None:
        return None
    alpha = gate.attributes.get_float("alpha", 0.2)
    beta = gate.attributes.get_float("beta", 0.5)
    fits = math.isclose(alpha, ALPHA, rel_tol=1e-4) and math.isclose(beta, BETA)
    return gate.inputs[0] if fits else None


def _is_near(value: ir.Value | None, number: float) -> bool:
    held = scalar(value)
    return held is not None and math.isclose(held, number, rel_tol=1e-4)
