"""Recognise GELU written out with Erf: 0.5 x (1 + erf(x / sqrt 2)) (Hendrycks & Gimpel 2016)."""

from __future__ import annotations

import math

import onnx_ir as ir

from edgesdk_quant.graph.rewrite import made_by, replace, sole_reader
from edgesdk_quant.graph.values import scalar

RELATIVE = 1e-3  # constants in files were rounded to float16 at times


def fuse_gelu(model: ir.Model) -> None:
    """Replace the product of x, 1/2 and 1 + erf(x / sqrt 2), in any order, by Gelu."""
    for node in list(model.graph.all_nodes()):
        if node.op_type == "Mul" and (x := _gelu_input(node)) is not None:
            replace(node, "Gelu", [x], {"approximate": "none"})


def _gelu_input(product: ir.Node) -> ir.Value | None:
    factors = _factors(product)
    for one_plus_erf in factors:
        x = _erf_input(one_plus_erf)
        others = [factor for factor in factors if factor is not one_plus_erf]
        if x is None or len(others) != 2 or not any(factor is x for factor in others):
            continue
        half = next((f for f in others if f is not x), None)
        if _is_near(half, 0.5):
            return x
    return None


def _factors(product: ir.Node) -> list[ir.Value]:
    """The three factors of a product of two Mul nodes, or the two of one."""
    flat: list[ir.Value] = []
    for value in product.inputs:
        inner = made_by(value, "Mul")
        if inner is not None and sole_reader(inner.outputs[0]) is product:
            flat += [v for v in inner.inputs if v is not None]
        elif value is not None:
            flat.append(value)
    return flat


def _erf_input(value: ir.Value) -> ir.Value | None:
    """The x of 1 + erf(x / sqrt 2)."""
    add = made_by(value, "Add")
    if add is None:
        return None
    erfs = [erf for v in add.inputs if (erf := made_by(v, "Erf")) is not None]
    if len(erfs) != 1 or not any(_is_near(v, 1.0) for v in add.inputs):
        return None
    return _divided_by_root_two(erfs[0].inputs[0])


def _divided_by_root_two(value: ir.Value | None) -> ir.Value | None:
    if (divide := made_by(value, "Div")) is not None:
        return divide.inputs[0] if _is_near(divide.inputs[1], math.sqrt(2)) else None
    if (multiply := made_by(value, "Mul")) is not None:
        first, second = multiply.inputs
        if _is_near(second, math.sqrt(0.5)):
            return first
        return second if _is_near(first, math.sqrt(0.5)) else None
    return None


def _is_near(value: ir.Value | None, number: float) -> bool:
    held = scalar(value)
    return held is not None and math.isclose(held, number, rel_tol=RELATIVE)
