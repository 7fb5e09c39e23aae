"""Recognise LayerNormalization written out (Ba et al. 2016, equation 4).

Over the last axis, or over the channels of images [N, C, H, W] (ConvNeXt, Segment Anything), which
are turned for it.

centred = x - mean(x);  y = centred / sqrt(mean(centred^2) + epsilon) * scale + bias
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx_ir as ir

from edgesdk_quant.graph.rewrite import graph_of, input_at, made_by, replace
from edgesdk_quant.graph.values import constant, new_initializer, scalar, value_shape

LAST, CHANNELS = -1, 1
CHANNELS_LAST, CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
Vectors = Sequence[ir.Value | None]


def fuse_layer_normalization(model: ir.Model) -> None:
    """Replace Add(Mul(Div(centred, deviation), scale), bias) by LayerNormalization."""
    for node in list(model.graph.all_nodes()):
        if node.op_type == "Add":
            _fuse(node)


def _fuse(add: ir.Node) -> None:
    for bias, scaled in _both_ways(add):
        multiply = made_by(scaled, "Mul")
        for scale, normed in _both_ways(multiply) if multiply is not None else ():
            if any(_fuse_over(axis, add, normed, (scale, bias)) for axis in FORMS):
                return


def _fuse_over(axis: int, add: ir.Node, normed: ir.Value | None, vectors: Vectors) -> bool:
    fits, write = FORMS[axis]
    found = _normalized(normed, axis)
    if found is None or not all(fits(vector, found[0]) for vector in vectors):
        return False
    x, epsilon = found
    write(add, x, vectors, {"axis": LAST, "epsilon": epsilon})
    return True


def _write(add: ir.Node, x: ir.Value, vectors: Vectors, attributes: Mapping[str, float]) -> None:
    replace(add, "LayerNormalization", [x, *vectors], attributes)


def _write_turned(
    add: ir.Node, x: ir.Value, vectors: Vectors, attributes: Mapping[str, float]
) -> None:
    graph = graph_of(add)
    turned = ir.node("Transpose", [x], {"perm": CHANNELS_LAST}, name=f"{add.name}_turned")
    flat = [
        new_initializer(graph, f"{v.name}_vector", array.reshape(-1))
        for v in vectors
        if v is not None and (array := constant(v)) is not None
    ]
    operands = [turned.outputs[0], *flat]
    norm = ir.node("LayerNormalization", operands, attributes, name=f"{add.name}_normalized")
    for node in (turned, norm):
        _describe(node.outputs[0], str(node.name), x)
        graph.insert_before(add, node)
    replace(add, "Transpose", [norm.outputs[0]], {"perm": CHANNELS_FIRST})


def _describe(turned: ir.Value, name: str, x: ir.Value) -> None:
    turned.name, turned.type = name, x.type
    if x.shape is not None:
        turned.shape = ir.Shape([x.shape.dims[i] for i in CHANNELS_LAST])


def _both_ways(node: ir.Node) -> tuple[tuple[ir.Value | None, ir.Value | None], ...]:
    first, second = node.inputs
    return (first, second), (second, first)


def _normalized(value: ir.Value | None, axis: int) -> tuple[ir.Value, float] | None:
    """The x and epsilon of (x - mean) / sqrt(variance + epsilon)."""
    divide = made_by(value, "Div")
    root = made_by(divide.inputs[1], "Sqrt") if divide is not None else None
    shifted = made_by(root.inputs[0], "Add") if root is not None else None
    if divide is None or shifted is None:
        return None
    epsilon = scalar(shifted.inputs[1])
    x = _centred_input(divide.inputs[0], axis)
    if epsilon is None or x is None or not _is_variance(shifted.inputs[0], divide.inputs[0], axis):
        return None
    return x, epsilon


def _centred_input(value: ir.Value | None, axis: int) -> ir.Value | None:
    """The x of x - mean(x)."""
    subtract = made_by(value, "Sub")
    if subtract is None:
        return None
    x, mean = subtract.inputs
    return x if x is not None and _mean_input(mean, axis) is x else None


def _is_variance(value: ir.Value | None, centred: ir.Value | None, axis: int) -> bool:
    square = _mean_input(value, axis)
    if (power := made_by(square, "Pow")) is not None:
        return _same(power.inputs[0], centred, axis) and scalar(power.inputs[1]) == 2
    multiply = made_by(square, "Mul")
    return multiply is not None and all(_same(v, centred, axis) for v in multiply.inputs)


def _same(value: ir.Value | None, centred: ir.Value | None, axis: int) -> bool:
    """The same value, or a second subtraction of the same two values."""
    if value is centred:
        return True
    first, second = made_by(value, "Sub"), made_by(centred, "Sub")
    if first is None or second is None:
        return False
    return _centred_input(value, axis) is second.inputs[0]


def _mean_input(value: ir.Value | None, axis: int) -> ir.Value | None:
    """The x of ReduceMean(x) over this axis, which is kept."""
    mean = made_by(value, "ReduceMean")
    axes = constant(input_at(mean, 1)) if mean is not None else None
    if mean is None or axes is None or not mean.attributes.get_int("keepdims", 1):
        return None
    rank = len(value_shape(mean.inputs[0]) or ())
    if not rank or axes.size != 1 or axes.item() % rank != axis % rank:
        return None
    return mean.inputs[0]


def _fits(parameter: ir.Value | None, x: ir.Value) -> bool:
    """A constant of one number for each element of the last axis."""
    array, shape = constant(parameter), value_shape(x)
    return array is not None and shape is not None and array.shape == shape[-1:]


def _fits_channels(parameter: ir.Value | None, x: ir.Value) -> bool:
    """A constant of one number for each channel of images."""
    array, shape = constant(parameter), value_shape(x)
    if array is None or shape is None or len(shape) != len(CHANNELS_LAST):
        return False
    return array.shape in ((shape[1], 1, 1), (1, shape[1], 1, 1))


# Axis -> what scales and biases must be, and how the norm is written.
FORMS = {LAST: (_fits, _write), CHANNELS: (_fits_channels, _write_turned)}
