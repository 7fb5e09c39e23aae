"""Atan, Asin and Acos, which TFLite lacks: a polynomial behind two reductions of its argument.

atan(a) = pi / 2 - atan(1 / a) above 1; atan(t) = 2 * atan(t / (1 + sqrt(1 + t^2))), which leaves
0 .. tan(pi / 8), the interval of the polynomial of Moshier's Cephes library (single/atanf.c).
"""

from __future__ import annotations

import math

import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer

COEFFICIENTS = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)


def rewrite_atan(write: Composer, node: ir.Node) -> bool:
    """Within two units in the last place."""
    if not _is_float(node):
        return False
    write.replace(_atan(write, node.inputs[0]))
    return True


def rewrite_asin(write: Composer, node: ir.Node) -> bool:
    """The angle of a right triangle with sides x and sqrt(1 - x^2)."""
    if not _is_float(node):
        return False
    write.replace(_asin(write, node.inputs[0]))
    return True


def rewrite_acos(write: Composer, node: ir.Node) -> bool:
    """What asin lacks to a right angle."""
    if not _is_float(node):
        return False
    write.replace(write("Sub", math.pi / 2, _asin(write, node.inputs[0])))
    return True


def _is_float(node: ir.Node) -> bool:
    return node.outputs[0].dtype == ir.DataType.FLOAT


def _asin(write: Composer, x: ir.Value | None) -> ir.Value:
    # (1 - x) (1 + x) keeps the digits that 1 - x^2 loses near 1.
    product = write("Mul", write("Sub", 1.0, x), write("Add", x, 1.0))
    return _atan(write, write("Div", x, write("Sqrt", product)))


def _atan(write: Composer, x: ir.Value | None) -> ir.Value:
    size = write("Abs", x)
    is_steep = write("Greater", size, 1.0)
    small = write("Where", is_steep, write("Div", 1.0, size), size)
    root = write("Sqrt", write("Add", write("Mul", small, small), 1.0))
    half = write("Div", small, write("Add", root, 1.0))
    square = write("Mul", half, half)
    total = write("Mul", square, COEFFICIENTS[0])
    for coefficient in COEFFICIENTS[1:]:
        total = write("Mul", write("Add", total, coefficient), square)
    angle = write("Mul", write("Add", write("Mul", total, half), half), 2.0)
    angle = write("Where", is_steep, write("Sub", math.pi / 2, angle), angle)
    return write("Mul", angle, write("Sign", x))


RULES = {"Acos": rewrite_acos, "Asin": rewrite_asin, "Atan": rewrite_atan}
