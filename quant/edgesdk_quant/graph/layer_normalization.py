"""Recognise LayerNormalization over the last axis written out (Ba et al. 2016, equation 4).

centred = x - mean(x);  y = centred / sqrt(mean(centred^2) + epsilon) * scale + bias
"""

from __future__ import annotations

import onnx_ir as ir

from edgesdk_quant.graph.rewrite import input_at, made_by, replace
from edgesdk_quant.graph.values import constant, scalar, value_shape


def fuse_layer_normalization(model: ir.Model) -> None:
    """Replace Add(Mul(Div(centred, deviation), scale), bias) by LayerNormalization."""
    for node in list(model.graph.all_nodes()):
        if node.op_type == "Add":
            _fuse(node)


def _fuse(add: ir.Node) -> None:
    for bias, scaled in _both_ways(add):
        multiply = made_by(scaled, "Mul")
        for scale, normed in _both_ways(multiply) if multiply is not None else ():
            found = _normalized(normed)
            if found is not None and _fits(scale, found[0]) and _fits(bias, found[0]):
                x, epsilon = found
                attributes = {"axis": -1, "epsilon": epsilon}
                replace(add, "LayerNormalization", [x, scale, bias], attributes)
                return


def _both_ways(node: ir.Node) -> tuple[tuple[ir.Value | None, ir.Value | None], ...]:
    first, second = node.inputs
    return (first, second), (second, first)


def _normalized(value: ir.Value | None) -> tuple[ir.Value, float] | None:
    """The x and epsilon of (x - mean) / sqrt(variance + epsilon)."""
    divide = made_by(value, "Div")
    root = made_by(divide.inputs[1], "Sqrt") if divide is not None else None
    shifted = made_by(root.inputs[0], "Add") if root is not None else None
    if divide is None or shifted is None:
        return None
    epsilon = scalar(shifted.inputs[1])
    x = _centred_input(divide.inputs[0])
    if epsilon is None or x is None or not _is_variance(shifted.inputs[0], divide.inputs[0]):
        return None
    return x, epsilon


def _centred_input(value: ir.Value | None) -> ir.Value | None:
    """The x of x - mean(x)."""
    subtract = made_by(value, "Sub")
    if subtract is None:
        return None
    x, mean = subtract.inputs
    return x if x is not None and _mean_input(mean) is x else None


def _is_variance(value: ir.Value | None, centred: ir.Value | None) -> bool:
    square = _mean_input(value)
    if (power := made_by(square, "Pow")) is not None:
        return _same(power.inputs[0], centred) and scalar(power.inputs[1]) == 2
    multiply = made_by(square, "Mul")
    return multiply is not None and all(_same(v, centred) for v in multiply.inputs)


def _same(value: ir.Value | None, centred: ir.Value | None) -> bool:
    """The same value, or a second subtraction of the same two values."""
    if value is centred:
        return True
    first, second = made_by(value, "Sub"), made_by(centred, "Sub")
    return first is not None and second is not None and _centred_input(value) is second.inputs[0]


def _mean_input(value: ir.Value | None) -> ir.Value | None:
    """The x of ReduceMean(x) over its last axis with the axis kept."""
    mean = made_by(value, "ReduceMean")
    axes = constant(input_at(mean, 1)) if mean is not None else None
    if mean is None or axes is None or not mean.attributes.get_int("keepdims", 1):
        return None
    rank = len(value_shape(mean.inputs[0]) or ())
    return mean.inputs[0] if axes.tolist() in ([-1], [rank - 1]) else None


def _fits(parameter: ir.Value | None, x: ir.Value) -> bool:
    """A constant of one number for each element of the last axis."""
    array, shape = constant(parameter), value_shape(x)
    return array is not None and shape is not None and array.shape == shape[-1:]
