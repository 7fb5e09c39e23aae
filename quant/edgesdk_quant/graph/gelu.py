"""Recognise GELU written out (Hendrycks & Gimpel 2016, section 2).

With Erf: 0.5 x (1 + erf(x / sqrt 2)); or with Tanh, as GPT-2 and T5 have it:
0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import onnx_ir as ir

from edgesdk_quant.graph.rewrite import made_by, replace, sole_reader
from edgesdk_quant.graph.values import scalar

Argument = Callable[[ir.Value], ir.Value | None]
RELATIVE = 1e-3  # constants in files were rounded to float16 at times


CUBIC = 0.044715


def fuse_gelu(model: ir.Model) -> None:
    """Replace the product of x, 1/2 and one of these sums, in any order, by Gelu."""
    for node in list(model.graph.all_nodes()):
        if node.op_type != "Mul":
            continue
        for approximate, argument in FORMS.items():
            if (x := _gelu_input(node, argument)) is not None:
                replace(node, "Gelu", [x], {"approximate": approximate})
                break


def _gelu_input(product: ir.Node, argument: Argument) -> ir.Value | None:
    factors = _factors(product)
    for sum_ in factors:
        x = argument(sum_)
        others = [factor for factor in factors if factor is not sum_]
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
    argument = _one_plus("Erf", value)
    if (divide := made_by(argument, "Div")) is not None:
        return divide.inputs[0] if _is_near(divide.inputs[1], math.sqrt(2)) else None
    return _times(math.sqrt(0.5), argument)


def _tanh_input(value: ir.Value) -> ir.Value | None:
    """The x of 1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))."""
    add = made_by(_times(math.sqrt(2 / math.pi), _one_plus("Tanh", value)), "Add")
    if add is None:
        return None
    first, second = add.inputs
    for x, cubic in ((first, second), (second, first)):
        if x is not None and _is_cube(_times(CUBIC, cubic), x):
            return x
    return None


def _one_plus(op_type: str, value: ir.Value) -> ir.Value | None:
    """The argument of a function in 1 + function(argument)."""
    add = made_by(value, "Add")
    if add is None or not any(_is_near(v, 1.0) for v in add.inputs):
        return None
    found = [node for v in add.inputs if (node := made_by(v, op_type)) is not None]
    return found[0].inputs[0] if len(found) == 1 else None


def _times(number: float, value: ir.Value | None) -> ir.Value | None:
    """The other factor of a product with a number."""
    multiply = made_by(value, "Mul")
    if multiply is None:
        return None
    first, second = multiply.inputs
    if _is_near(second, number):
        return first
    return second if _is_near(first, number) else None


def _is_cube(value: ir.Value | None, x: ir.Value) -> bool:
    """Whether a value is x^3, as a power or as products."""
    if (power := made_by(value, "Pow")) is not None:
        return power.inputs[0] is x and _is_near(power.inputs[1], 3.0)
    outer = made_by(value, "Mul")
    if outer is None or not any(v is x for v in outer.inputs):
        return False
    squares = [made_by(v, "Mul") for v in outer.inputs if v is not x]
    return any(inner is not None and all(v is x for v in inner.inputs) for inner in squares)


def _is_near(value: ir.Value | None, number: float) -> bool:
    held = scalar(value)
    return held is not None and math.isclose(held, number, rel_tol=RELATIVE)


FORMS: Mapping[str, Argument] = {"none": _erf_input, "tanh": _tanh_input}
