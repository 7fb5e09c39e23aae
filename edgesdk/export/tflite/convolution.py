"""Conv and ConvTranspose -> CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk.export.tflite.padding import Pads, onnx_pads, pad_spatially, padding_name
from edgesdk.export.tflite.scope import Scope, Weights, channels_last, permuted
from edgesdk.export.tflite.tensors import static_shape
from edgesdk_quant.tflite.model import Quantization
from edgesdk_runtimes.errors import UnsupportedError


@dataclass(frozen=True)
class Window:
    """Geometry of a convolution over two spatial dimensions."""

    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: Pads


def lower_conv(scope: Scope, node: ir.Node) -> None:
    """Conv, 1-D or 2-D, grouped or depthwise."""
    value, weight_value = _operands(node)
    weights = scope.weights(weight_value)
    integer = scope.runs_on_integers(node, [value]) and weights.scale is not None
    window = _window(node, static_shape(value)[2:], weights.data.shape[2:])
    activation, result_value = scope.fuse(node)
    x = _image(scope, value, integer=integer)
    padding = padding_name(
        window.pads, window.sizes, window.kernel, window.strides, window.dilations
    )
    if not padding:
        x, padding = pad_spatially(scope, x, window.pads), "VALID"
    group = node.attributes.get_int("group", 1)
    channels = static_shape(value)[1]
    depthwise = group == channels and weights.data.shape[1] == 1 and (group > 1 or channels == 1)
    kernel, axis = _kernel(weights, depthwise=depthwise)
    scale = scope.out.tensors[x].quantization
    w = _weight_tensor(scope, str(weight_value.name), kernel, weights, axis, integer=integer)
    b = bias_tensor(scope, node, weights, scale if integer else None, kernel.shape[axis])
    options: dict[str, int | str] = {
        "padding": padding,
        "stride_h": window.strides[0],
        "stride_w": window.strides[1],
        "dilation_h_factor": window.dilations[0],
        "dilation_w_factor": window.dilations[1],
        "fused_activation_function": activation,
    }
    if depthwise:
        code = "DEPTHWISE_CONV_2D"
        options["depth_multiplier"] = weights.data.shape[0] // group
    else:
        code = "CONV_2D"
    _emit_image(scope, code, [x, w, b], result_value, options, integer=integer)


def _operands(node: ir.Node) -> tuple[ir.Value, ir.Value]:
    value, weight = node.inputs[0], node.inputs[1]
    if value is None or weight is None:
        raise UnsupportedError("an operand is left out")
    return value, weight


def _window(node: ir.Node, sizes: Sequence[int], kernel: Sequence[int]) -> Window:
    """Geometry with two spatial dimensions; one dimension gets a second of size 1 in front."""
    rank = len(sizes)
    if rank not in (1, 2):
        raise UnsupportedError(f"{rank} spatial dimensions")
    strides = tuple(node.attributes.get_ints("strides", [1] * rank))
    dilations = tuple(node.attributes.get_ints("dilations", [1] * rank))
    pads = onnx_pads(node, sizes, kernel, strides, dilations)
    if rank == 1:
        one = (1,)
        return Window(
            one + tuple(sizes), one + tuple(kernel), one + strides, one + dilations, ((0, 0), *pads)
        )
    return Window(tuple(sizes), tuple(kernel), strides, dilations, pads)


def _image(scope: Scope, value: ir.Value, *, integer: bool) -> int:
    """The value as an NHWC tensor of rank 4."""
    rank = len(static_shape(value))
    tensor = scope.tensor(value, channels_last(rank), integer=integer)
    if rank == 4:
        return tensor
    n, length, c = scope.out.shape(tensor)
    image = scope.out.like(f"{value.name}_image", tensor, (n, 1, length, c))
    scope.reshape(tensor, image)
    return image


def _emit_image(
    scope: Scope,
    code: str,
    inputs: list[int],
    value: ir.Value,
    options: dict[str, int | str],
    *,
    integer: bool,
) -> None:
    """Emit an operator whose result is an image; of rank 3 it is reshaped back."""
    rank = len(static_shape(value))
    result = scope.result(value, channels_last(rank), integer=integer)
    if rank == 4:
        scope.out.emit(code, inputs, [result], **options)
        return
    n, length, c = scope.out.shape(result)
    image = scope.out.like(f"{value.name}_image", result, (n, 1, length, c))
    scope.out.emit(code, inputs, [image], **options)
    scope.reshape(image, result)


def _kernel(weights: Weights, *, depthwise: bool) -> tuple[NDArray[np.generic], int]:
    """Weights in TFLite's order and the dimension of the output channels.

    [O, I / groups, H, W] -> [O, H, W, I / groups], or [1, H, W, O] for depthwise.
    """
    data = weights.data if weights.data.ndim == 4 else weights.data[:, :, None, :]
    if depthwise:
        return permuted(data, (1, 2, 3, 0)), 3
    return permuted(data, (0, 2, 3, 1)), 0


def _weight_tensor(
    scope: Scope,
    name: str,
    kernel: NDArray[np.generic],
    weights: Weights,
    axis: int,
    *,
    integer: bool,
) -> int:
    """A constant kernel: float, int8, or int8 behind DEQUANTIZE where activations are float."""
    if weights.scale is None:
        return scope.out.constant(name, kernel)
    scale = np.atleast_1d(weights.scale)
    quantization = Quantization(
        scale, np.zeros(scale.size, np.int64), axis if scale.size > 1 else 0
    )
    tensor = scope.out.constant(name, kernel, quantization)
    if integer:
        return tensor
    result = scope.out.add(f"{name}_float", "FLOAT32", kernel.shape)
    scope.out.emit("DEQUANTIZE", [tensor], [result])
    return result


def bias_tensor(
    scope: Scope, node: ir.Node, weights: Weights, x: Quantization | None, channels: int
) -> int:
    """The bias: float32, or int32 (int64 with 16-bit activations) in units of x scale * w scale."""
    value = node.inputs[2] if len(node.inputs) > 2 else None
    if x is None or weights.scale is None:
        data = np.zeros(channels, np.float32)
        if value is not None:
            data = float_constant(scope, value).reshape(-1)
        return scope.out.constant(
            f"{node.name}_bias", np.broadcast_to(data, (channels,)).astype(np.float32)
        )
    scale = np.broadcast_to(x.scale[0] * np.atleast_1d(weights.scale), (channels,)).astype(
        np.float32
    )
    stored: NDArray[Any] = np.zeros(channels, np.int32)
    if value is not None:
        bias = scope.weights(value)
        real = float_constant(scope, value).astype(np.float64)
        stored = bias.data.reshape(-1) if bias.scale is not None else np.rint(real / scale)
    wide = str(scope.quantized_type(node.inputs[0])) == "INT16"
    data = np.broadcast_to(stored, (channels,)).astype(np.int64 if wide else np.int32)
    if np.atleast_1d(weights.scale).size == 1:
        scale = scale[:1]
    quantization = Quantization(scale, np.zeros(scale.size, np.int64))
    return scope.out.constant(f"{node.name}_bias", data, quantization)


def float_constant(scope: Scope, value: ir.Value) -> NDArray[np.float32]:
    """A constant operand as real numbers."""
    weights = scope.weights(value)
    if weights.scale is None:
        return weights.data.astype(np.float32)
    shape = [1] * weights.data.ndim
    if weights.scale.size > 1:
        shape[weights.axis] = -1
    return np.asarray(weights.data.astype(np.float32) * weights.scale.reshape(shape))


def lower_conv_transpose(scope: Scope, node: ir.Node) -> None:
    """ConvTranspose with two spatial dimensions, no groups, no dilation."""
    value, weight_value = _operands(node)
    if node.attributes.get_int("group", 1) != 1 or len(static_shape(value)) != 4:
        raise UnsupportedError("groups, or other than two spatial dimensions")
    if any(d != 1 for d in node.attributes.get_ints("dilations", [1, 1])):
        raise UnsupportedError("dilation")
    weights = scope.weights(weight_value)
    integer = scope.runs_on_integers(node, [value]) and weights.scale is not None
    activation, result_value = scope.fuse(node)
    kernel = permuted(weights.data, (1, 2, 3, 0))
    strides = tuple(node.attributes.get_ints("strides", [1, 1]))
    output = static_shape(node.outputs[0])
    padding = _transpose_padding(
        node, static_shape(value)[2:], output[2:], kernel.shape[1:3], strides
    )
    x = scope.tensor(value, channels_last(4), integer=integer)
    w = _weight_tensor(scope, str(weight_value.name), kernel, weights, 0, integer=integer)
    b = bias_tensor(
        scope,
        node,
        weights,
        scope.out.tensors[x].quantization if integer else None,
        kernel.shape[0],
    )
    shape = np.array([output[i] for i in channels_last(4)], np.int32)
    operand = scope.out.constant(f"{node.name}_shape", shape)
    result = scope.result(result_value, channels_last(4), integer=integer)
    scope.out.emit(
        "TRANSPOSE_CONV",
        [operand, w, x, b],
        [result],
        padding=padding,
        stride_h=strides[0],
        stride_w=strides[1],
        fused_activation_function=activation,
    )


def _transpose_padding(
    node: ir.Node,
    sizes: Sequence[int],
    outputs: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
) -> str:
    """TFLite crops `(in - 1) * stride + kernel - out` pixels, the odd one at the end."""
    pads = node.attributes.get_ints("pads", [0, 0, 0, 0])
    if not any(pads) and all(
        (i - 1) * s + k == o for i, o, k, s in zip(sizes, outputs, kernel, strides, strict=True)
    ):
        return "VALID"
    for dim in range(2):
        total = max((sizes[dim] - 1) * strides[dim] + kernel[dim] - outputs[dim], 0)
        if outputs[dim] != sizes[dim] * strides[dim] or pads[dim] != total // 2:
            raise UnsupportedError(f"pads {list(pads)} that are neither SAME nor VALID")
    return "SAME"


LOWERINGS = {"Conv": lower_conv, "ConvTranspose": lower_conv_transpose}
