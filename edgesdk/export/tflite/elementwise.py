"""Operators that work element by element; they keep the layout of what they read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from edgesdk.export.tflite.scope import Scope, activation_name
from edgesdk.export.tflite.tensors import TYPES, Place, static_shape
from edgesdk_quant.graph import scalar
from edgesdk_runtimes.errors import UnsupportedError

Lowering = Callable[[Scope, ir.Node], None]

UNARY = {
    "Abs": "ABS",
    "Ceil": "CEIL",
    "Cos": "COS",
    "Exp": "EXP",
    "Floor": "FLOOR",
    "HardSwish": "HARD_SWISH",
    "Log": "LOG",
    "Neg": "NEG",
    "Not": "LOGICAL_NOT",
    "Relu": "RELU",
    "Round": "ROUND",
    "Sigmoid": "LOGISTIC",
    "Sign": "SIGN",
    "Sin": "SIN",
    "Sqrt": "SQRT",
    "Tanh": "TANH",
}
# ONNX operator -> (TFLite operator, whether it has a fused activation).
BINARY = {
    "Add": ("ADD", True),
    "Sub": ("SUB", True),
    "Mul": ("MUL", True),
    "Div": ("DIV", True),
    "Max": ("MAXIMUM", False),
    "Min": ("MINIMUM", False),
    "Mod": ("FLOOR_MOD", False),
    "Pow": ("POW", False),
    "Equal": ("EQUAL", False),
    "Less": ("LESS", False),
    "LessOrEqual": ("LESS_EQUAL", False),
    "Greater": ("GREATER", False),
    "GreaterOrEqual": ("GREATER_EQUAL", False),
    "And": ("LOGICAL_AND", False),
    "Or": ("LOGICAL_OR", False),
    "PRelu": ("PRELU", False),
}
# Operators whose 8-bit kernels TFLite runtimes have; the others are computed in float.
INTEGER_KERNELS = {
    "ABS",
    "EXP",
    "HARD_SWISH",
    "LOGISTIC",
    "RELU",
    "TANH",
    "ADD",
    "SUB",
    "MUL",
    "MAXIMUM",
    "MINIMUM",
    "PRELU",
}
# Those for which LiteRT has none of 16 bits.
IN_8_BITS = {"HARD_SWISH", "RELU_N1_TO_1"}
# Scale and zero point that the 8-bit kernel's result always has.
FIXED = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}


def unary(code: str) -> Lowering:
    """Lower a function of one argument."""

    def lowering(scope: Scope, node: ir.Node) -> None:
        emit_unary(scope, node, code)

    return lowering


def emit_unary(scope: Scope, node: ir.Node, code: str, **options: float | bool) -> None:
    """One input, one output, the same layout."""
    value = node.inputs[0]
    if value is None:
        raise UnsupportedError("it has no input")
    may_be_integer = code in INTEGER_KERNELS | {"RELU6", "RELU_N1_TO_1", "LEAKY_RELU", "GELU"}
    quantizer = scope.quantizer(node.outputs[0])
    integer = may_be_integer and scope.is_quantized(value) and quantizer is not None
    integer = integer and (code not in FIXED or scope.gives(node, *FIXED[code]))
    integer = integer and not (code in IN_8_BITS and scope.quantized_type(value) == "INT16")
    place = scope.place(value, integer=integer)
    result = scope.result(node.outputs[0], place.permutation, integer=integer)
    scope.out.emit(code, [place.tensor], [result], **options)


def binary(code: str, fuses: bool) -> Lowering:
    """Lower a function of two arguments, or a chain of them (Max, Min of many)."""

    def lowering(scope: Scope, node: ir.Node) -> None:
        if len(node.inputs) != 2:
            raise UnsupportedError(f"{len(node.inputs)} operands; two are possible")
        emit_binary(scope, node, code, fuses)

    return lowering


def emit_binary(scope: Scope, node: ir.Node, code: str, fuses: bool) -> None:
    """Two inputs that broadcast, in one layout."""
    values = [value for value in node.inputs if value is not None]
    integer = code in INTEGER_KERNELS and scope.runs_on_integers(node, values)
    if code in ("MAXIMUM", "MINIMUM"):
        integer = integer and scope.keeps_scale(node, values)
    activation, result_value = scope.fuse(node) if fuses else ("NONE", node.outputs[0])
    rank = len(static_shape(node.outputs[0]))
    order = _common_order(scope, values, rank, integer=integer)
    operands = [_operand(scope, value, order, integer=integer) for value in values]
    result = scope.result(result_value, order, integer=integer)
    if fuses:
        scope.out.emit(code, operands, [result], fused_activation_function=activation)
    else:
        scope.out.emit(code, operands, [result])


def _common_order(
    scope: Scope, values: list[ir.Value], rank: int, *, integer: bool
) -> tuple[int, ...]:
    """The layout of the first operand that is no constant and has all dimensions."""
    places = [scope.place(value, integer=integer) for value in values]
    candidates = [
        place.permutation
        for place in places
        if len(place.permutation) == rank and scope.out.tensors[place.tensor].data is None
    ]
    images = [order for order in candidates if order != tuple(range(rank))]
    return (images or candidates or [tuple(range(rank))])[0]


def _operand(scope: Scope, value: ir.Value, order: tuple[int, ...], *, integer: bool) -> int:
    """An operand in the common layout; one of lower rank gets dimensions of size 1 in front."""
    place = scope.place(value, integer=integer)
    rank, own = len(order), len(place.permutation)
    plain = tuple(range(rank))
    if own == rank:
        return scope.arranged(value, place, order)
    if order == plain or (
        own <= 1
        and scope.out.tensors[place.tensor].data is not None
        and (own == 0 or scope.out.shape(place.tensor) == (1,))
    ):
        return place.tensor
    source = scope.arranged(value, place, tuple(range(own)))
    shape = (1,) * (rank - own) + scope.out.shape(source)
    tensor = scope.out.tensors[source]
    target = tuple(shape[i] for i in order)
    if tensor.data is not None:
        data = tensor.data.reshape(shape).transpose(order)
        return scope.out.constant(tensor.name, data, tensor.quantization)
    widened = scope.out.like(f"{tensor.name}_widened", source, shape)
    scope.reshape(source, widened)
    if target == shape:
        return widened
    return scope.transposed(widened, order, tensor.name)


def lower_clip(scope: Scope, node: ir.Node) -> None:
    """Clip with the bounds of a ReLU, or MINIMUM and MAXIMUM."""
    name = activation_name(node)
    if name and node.outputs[0].dtype == ir.DataType.FLOAT:
        emit_unary(scope, node, name)
        return
    value = node.inputs[0]
    if value is None:
        raise UnsupportedError("it has no input")
    place = scope.place(value, integer=False)
    tensor, shape = place.tensor, scope.out.shape(place.tensor)
    steps = [
        (code, scope.place(bound, integer=False).tensor)
        for code, bound in zip(("MAXIMUM", "MINIMUM"), node.inputs[1:3], strict=False)
        if bound is not None
    ]
    for code, bound in steps[:-1]:
        middle = scope.out.like(f"{node.name}_{code.lower()}", tensor, shape)
        scope.out.emit(code, [tensor, bound], [middle])
        tensor = middle
    if not steps:
        scope.alias(node.outputs[0], place, integer=False)
        return
    result = scope.result(node.outputs[0], place.permutation, integer=False)
    scope.out.emit(steps[-1][0], [tensor, steps[-1][1]], [result])


def lower_leaky_relu(scope: Scope, node: ir.Node) -> None:
    """LeakyRelu."""
    emit_unary(scope, node, "LEAKY_RELU", alpha=node.attributes.get_float("alpha", 0.01))


def lower_elu(scope: Scope, node: ir.Node) -> None:
    """Elu with alpha 1."""
    if node.attributes.get_float("alpha", 1.0) != 1.0:
        raise UnsupportedError("alpha other than 1")
    emit_unary(scope, node, "ELU")


def lower_gelu(scope: Scope, node: ir.Node) -> None:
    """Gelu, exact or by tanh."""
    approximate = node.attributes.get_string("approximate", "none") == "tanh"
    emit_unary(scope, node, "GELU", approximate=approximate)


def lower_reciprocal(scope: Scope, node: ir.Node) -> None:
    """1 / x."""
    value = node.inputs[0]
    if value is None:
        raise UnsupportedError("it has no input")
    place = scope.place(value, integer=False)
    one = scope.out.constant(f"{node.name}_one", np.ones((), np.float32))
    result = scope.result(node.outputs[0], place.permutation, integer=False)
    scope.out.emit("DIV", [one, place.tensor], [result], fused_activation_function="NONE")


def lower_pow(scope: Scope, node: ir.Node) -> None:
    """Pow; by 2 it is SQUARE, by 0.5 it is SQRT."""
    known = {2.0: "SQUARE", 0.5: "SQRT"}.get(scalar(node.inputs[1]) or 0.0)
    if known:
        emit_unary(scope, node, known)
    else:
        emit_binary(scope, node, "POW", fuses=False)


def lower_cast(scope: Scope, node: ir.Node) -> None:
    """Cast between the types that TFLite has."""
    value = node.inputs[0]
    if value is None:
        raise UnsupportedError("it has no input")
    place = scope.place(value, integer=False)
    result = scope.result(node.outputs[0], place.permutation, integer=False)
    kinds = [scope.out.tensors[t].type for t in (place.tensor, result)]
    scope.out.emit("CAST", [place.tensor], [result], in_data_type=kinds[0], out_data_type=kinds[1])


def lower_where(scope: Scope, node: ir.Node) -> None:
    """Where -> SELECT_V2, which broadcasts."""
    operands = [scope.tensor(value, integer=False) for value in node.inputs if value is not None]
    scope.out.emit("SELECT_V2", operands, [scope.result(node.outputs[0], integer=False)])


def lower_identity(scope: Scope, node: ir.Node) -> None:
    """Another name for the same tensor."""
    value = node.inputs[0]
    if value is None:
        raise UnsupportedError("it has no input")
    scope.alias(node.outputs[0], scope.place(value, integer=False), integer=False)


def lower_constant(scope: Scope, node: ir.Node) -> None:
    """Nothing: a result of a branch that is constant; whoever reads it finds it."""


def lower_shape(scope: Scope, node: ir.Node) -> None:
    """Shape of a value whose sizes are all known."""
    value = node.inputs[0]
    if value is None or TYPES.get(value.dtype or ir.DataType.FLOAT) is None:
        raise UnsupportedError("its input has no known type")
    shape = np.array(static_shape(value), np.int64)
    tensor = scope.out.constant(str(node.outputs[0].name), shape)
    scope.places[node.outputs[0]] = Place(tensor, (0,))


LOWERINGS: dict[str, Lowering] = {
    **{onnx: unary(code) for onnx, code in UNARY.items()},
    **{onnx: binary(code, fuses) for onnx, (code, fuses) in BINARY.items()},
    "Cast": lower_cast,
    "Clip": lower_clip,
    "Constant": lower_constant,
    "Elu": lower_elu,
    "Gelu": lower_gelu,
    "Identity": lower_identity,
    "LeakyRelu": lower_leaky_relu,
    "Pow": lower_pow,
    "Reciprocal": lower_reciprocal,
    "Shape": lower_shape,
    "Where": lower_where,
}
