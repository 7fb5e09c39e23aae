"""Softmax, LogSoftmax, LayerNormalization, LpNormalization."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk.export.tflite.scope import Scope
from edgesdk.export.tflite.tensors import static_shape
from edgesdk_runtimes.errors import UnsupportedError

# Scale and zero point that the 8-bit kernel's result always has.
FIXED = {"SOFTMAX": (1 / 256, -128), "LOG_SOFTMAX": (1 / 16, 127)}


def lower_softmax(scope: Scope, node: ir.Node) -> None:
    """Softmax over any dimension; TFLite wants it last."""
    _over_last(scope, node, "SOFTMAX", beta=1.0)


def lower_log_softmax(scope: Scope, node: ir.Node) -> None:
    """LogSoftmax."""
    _over_last(scope, node, "LOG_SOFTMAX")


def _over_last(scope: Scope, node: ir.Node, code: str, **options: float) -> None:
    value = node.inputs[0]
    if value is None:
        raise UnsupportedError("it has no input")
    integer = scope.is_quantized(value) and scope.quantizer(node.outputs[0]) is not None
    integer = integer and code in FIXED and scope.gives(node, *FIXED[code])
    place = scope.place(value, integer=integer)
    rank = len(place.permutation)
    axis = node.attributes.get_int("axis", -1) % rank
    order = place.permutation
    if order[-1] != axis:
        order = (*(dim for dim in range(rank) if dim != axis), axis)
    tensor = scope.arranged(value, place, order)
    result = scope.result(node.outputs[0], order, integer=integer)
    scope.out.emit(code, [tensor], [result], **options)


def lower_layer_normalization(scope: Scope, node: ir.Node) -> None:
    """(x - mean) * rsqrt(variance + epsilon) * scale + bias, in float (Ba et al. 2016, eq. 4)."""
    value = node.inputs[0]
    if value is None:
        raise UnsupportedError("it has no input")
    x, shape = scope.tensor(value, integer=False), static_shape(value)
    first = node.attributes.get_int("axis", -1) % len(shape)
    emit = _Emitter(scope, node)
    axes = scope.out.constant(f"{node.name}_axes", np.arange(first, len(shape), dtype=np.int32))
    small = shape[:first] + (1,) * (len(shape) - first)
    mean = emit("MEAN", [x, axes], small, output=1, keep_dims=True)
    square = emit("SQUARED_DIFFERENCE", [x, mean], shape)
    variance = emit("MEAN", [square, axes], small, keep_dims=True)
    epsilon = np.array(node.attributes.get_float("epsilon", 1e-5), np.float32)
    tiny = scope.out.constant(f"{node.name}_epsilon", epsilon)
    shifted = emit("ADD", [variance, tiny], small, fused_activation_function="NONE")
    inverse = emit("RSQRT", [shifted], small, output=2)
    centred = emit("SUB", [x, mean], shape, fused_activation_function="NONE")
    given = zip(("MUL", "ADD"), node.inputs[1:3], strict=False)
    steps = [("MUL", inverse)]
    steps += [(c, scope.tensor(v, integer=False)) for c, v in given if v is not None]
    result = centred
    for i, (code, operand) in enumerate(steps, start=1 - len(steps)):
        result = emit(code, [result, operand], shape, output=i, fused_activation_function="NONE")


class _Emitter:
    """Emits float operators, each with a fresh result or with an output of the node."""

    def __init__(self, scope: Scope, node: ir.Node) -> None:
        self._scope, self._node, self._count = scope, node, 0

    def __call__(
        self,
        code: str,
        inputs: list[int],
        shape: tuple[int, ...],
        *,
        output: int = -1,
        **options: bool | str,
    ) -> int:
        self._count += 1
        wanted = 0 <= output < len(self._node.outputs)
        if wanted:
            result = self._scope.result(self._node.outputs[output], integer=False)
        else:
            result = self._scope.out.add(f"{self._node.name}_{self._count}", "FLOAT32", shape)
        self._scope.out.emit(code, inputs, [result], **options)
        return result


def lower_lp_normalization(scope: Scope, node: ir.Node) -> None:
    """LpNormalization with p = 2 over the last dimension."""
    if node.attributes.get_int("p", 2) != 2:
        raise UnsupportedError("p other than 2")
    _over_last(scope, node, "L2_NORMALIZATION")


LOWERINGS = {
    "LayerNormalization": lower_layer_normalization,
    "LogSoftmax": lower_log_softmax,
    "LpNormalization": lower_lp_normalization,
    "Softmax": lower_softmax,
}
