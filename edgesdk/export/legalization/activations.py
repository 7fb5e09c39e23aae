"""Functions of one number that TFLite lacks, written with those that it has."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer

# erf(x) = x P(x^2) / Q(x^2) on [-4, 4], highest power first: the rational approximation of Eigen
# and XLA (`ErfImpl32`), within 1e-7 of the truth.
ERF_P = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
ERF_Q = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)
ERF_LIMIT = 4.0


def rewrite_erf(write: Composer, node: ir.Node) -> bool:
    """Erf, by a rational function."""
    limits = (-ERF_LIMIT, ERF_LIMIT)
    x = write("Clip", node.inputs[0], *limits)
    square = write("Mul", x, x)
    ratio = write("Div", _polynomial(write, square, ERF_P), _polynomial(write, square, ERF_Q))
    write.replace(write("Mul", x, ratio))
    return True


def _polynomial(write: Composer, x: ir.Value, coefficients: tuple[float, ...]) -> ir.Value:
    """Horner's scheme."""
    result = write("Mul", x, coefficients[0])
    for coefficient in coefficients[1:-1]:
        result = write("Mul", write("Add", result, coefficient), x)
    return write("Add", result, coefficients[-1])


def rewrite_elu(write: Composer, node: ir.Node) -> bool:
    """Elu with alpha other than 1: max(x, 0) + alpha * elu(min(x, 0))."""
    alpha = node.attributes.get_float("alpha", 1.0)
    if alpha == 1.0:
        return False
    x = node.inputs[0]
    below = write("Elu", write("Min", x, 0.0))
    write.replace(write("Add", write("Relu", x), write("Mul", below, float(alpha))))
    return True


def rewrite_softplus(write: Composer, node: ir.Node) -> bool:
    """log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), which does not overflow."""
    x = node.inputs[0]
    small = write("Exp", write("Neg", write("Abs", x)))
    write.replace(write("Add", write("Relu", x), write("Log", write("Add", small, 1.0))))
    return True


def rewrite_is_nan(write: Composer, node: ir.Node) -> bool:
    """NaN alone differs from itself."""
    x = node.inputs[0]
    write.replace(write("Not", write("Equal", x, x)))
    return True


def rewrite_is_inf(write: Composer, node: ir.Node) -> bool:
    """IsInf, of the wanted signs."""
    x = node.inputs[0]
    positive, negative = (
        node.attributes.get_int(f"detect_{sign}", 1) for sign in ("positive", "negative")
    )
    if not positive and not negative:
        return False
    if positive and negative:
        x = write("Abs", x)
    write.replace(write("Equal", x, math.inf if positive else -math.inf))
    return True


def rewrite_tan(write: Composer, node: ir.Node) -> bool:
    """Sine over cosine."""
    x = node.inputs[0]
    write.replace(write("Div", write("Sin", x), write("Cos", x)))
    return True


def rewrite_hyperbolic(write: Composer, node: ir.Node) -> bool:
    """Sinh and Cosh: (exp(x) -+ exp(-x)) / 2."""
    x = node.inputs[0]
    both = write("Exp", x), write("Exp", write("Neg", x))
    combined = write("Sub" if node.op_type == "Sinh" else "Add", *both)
    write.replace(write("Mul", combined, 0.5))
    return True


def _integer_remainder(write: Composer, a: ir.Value, b: ir.Value | None) -> bool:
    """FLOOR_MOD gives the sign of b; where a has the other one, b is one too many."""
    zero = np.zeros((), a.dtype.numpy() if a.dtype is not None else np.int64)
    rest = write("Mod", a, b)
    opposite = write("Xor", write("Less", a, zero), write("Less", b, zero))
    off = write("And", opposite, write("Not", write("Equal", rest, zero)))
    write.replace(write("Where", off, write("Sub", rest, b), rest))
    return True


def rewrite_inverse_hyperbolic(write: Composer, node: ir.Node) -> bool:
    """Asinh, Acosh and Atanh by logarithms."""
    x = node.inputs[0]
    if node.op_type == "Atanh":
        ratio = write("Div", write("Add", x, 1.0), write("Sub", 1.0, x))
        write.replace(write("Mul", write("Log", ratio), 0.5))
        return True
    size, one = write("Abs", x), 1.0 if node.op_type == "Asinh" else -1.0
    root = write("Sqrt", write("Add", write("Mul", x, x), one))
    result = write("Log", write("Add", size, root))
    write.replace(write("Mul", write("Sign", x), result) if one > 0 else result)
    return True


def rewrite_mean(write: Composer, node: ir.Node) -> bool:
    """The mean of several operands."""
    total = write("Identity", node.inputs[0])
    for operand in node.inputs[1:]:
        total = write("Add", total, operand)
    write.replace(write("Mul", total, 1 / len(node.inputs)))
    return True


def rewrite_single(write: Composer, node: ir.Node) -> bool:
    """Max, Min and Sum of one operand do nothing."""
    if len(node.inputs) != 1:
        return False
    write.replace(write("Identity", node.inputs[0]))
    return True


def rewrite_xor(write: Composer, node: ir.Node) -> bool:
    """Two truth values that differ."""
    write.replace(write("Not", write("Equal", *node.inputs)))
    return True


def rewrite_pow(write: Composer, node: ir.Node) -> bool:
    """Pow of operands of two types is computed in float32."""
    base, exponent = node.inputs
    if base is None or exponent is None or base.dtype == exponent.dtype or base.dtype is None:
        return False
    operands = [write("Cast", v, to=int(ir.DataType.FLOAT)) for v in (base, exponent)]
    write.replace(write("Cast", write("Pow", *operands), to=int(base.dtype)))
    return True


def rewrite_mod(write: Composer, node: ir.Node) -> bool:
    """A remainder with the sign of the dividend: sign(a) * (|a| mod |b|)."""
    if not node.attributes.get_int("fmod", 0):
        return False
    a, b = node.inputs
    if a is not None and a.dtype is not None and a.dtype.is_integer():
        return _integer_remainder(write, a, b)
    size = write("Mod", write("Abs", a), write("Abs", b))
    write.replace(write("Mul", write("Sign", a), size))
    return True


RULES = {
    "Acosh": rewrite_inverse_hyperbolic,
    "Asinh": rewrite_inverse_hyperbolic,
    "Atanh": rewrite_inverse_hyperbolic,
    "Cosh": rewrite_hyperbolic,
    "Elu": rewrite_elu,
    "Erf": rewrite_erf,
    "IsInf": rewrite_is_inf,
    "IsNaN": rewrite_is_nan,
    "Max": rewrite_single,
    "Mean": rewrite_mean,
    "Min": rewrite_single,
    "Mod": rewrite_mod,
    "Pow": rewrite_pow,
    "Sinh": rewrite_hyperbolic,
    "Softplus": rewrite_softplus,
    "Sum": rewrite_single,
    "Tan": rewrite_tan,
    "Xor": rewrite_xor,
}
