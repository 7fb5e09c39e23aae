"""Conv -> CONV_2D or DEPTHWISE_CONV_2D."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk.export.legalization.quantizers import real_values, zero_point
from edgesdk.export.tflite.images import as_image, emit_image
from edgesdk.export.tflite.padding import pad_spatially
from edgesdk.export.tflite.scope import Scope, Weights, permuted
from edgesdk.export.tflite.tensors import required, static_shape
from edgesdk.export.windows import Window, window_of
from edgesdk_quant.tflite.model import Quantization
from edgesdk_runtimes.errors import UnsupportedError


def lower_conv(scope: Scope, node: ir.Node) -> None:
    """Conv, 1-D or 2-D, grouped or depthwise."""
    value, weight_value = operands(node)
    weights = scope.weights(weight_value)
    integer = scope.runs_on_integers(node, [value]) and weights.scale is not None
    window = _window(node, static_shape(value)[2:], weights.data.shape[2:])
    activation, result_value = scope.fuse(node)
    x = as_image(scope, value, integer=integer)
    padding = window.padding_name()
    if not padding:
        x, padding = pad_spatially(scope, x, window.pads), "VALID"
    group = node.attributes.get_int("group", 1)
    channels = static_shape(value)[1]
    depthwise = group == channels and weights.data.shape[1] == 1 and (group > 1 or channels == 1)
    kernel, axis = _kernel(weights, depthwise=depthwise)
    scale = scope.out.tensors[x].quantization
    w = weight_tensor(scope, str(weight_value.name), kernel, weights, axis, integer=integer)
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
    emit_image(scope, code, [x, w, b], result_value, options, integer=integer)


def operands(node: ir.Node) -> tuple[ir.Value, ir.Value]:
    """Activations and weights of a convolution."""
    value, weight = node.inputs[0], node.inputs[1]
    if value is None or weight is None:
        raise UnsupportedError("an operand is left out")
    return value, weight


def _window(node: ir.Node, sizes: Sequence[int], kernel: Sequence[int]) -> Window:
    """Geometry with two spatial dimensions; one dimension gets a second of size 1 in front."""
    rank, w = len(sizes), window_of(node, sizes, kernel)
    if rank not in (1, 2):
        raise UnsupportedError(f"{rank} spatial dimensions; 1 and 2 are possible")
    if rank == 2:
        return w
    return Window(
        (1, *w.sizes), (1, *w.kernel), (1, *w.strides), (1, *w.dilations), ((0, 0), *w.pads)
    )


def _kernel(weights: Weights, *, depthwise: bool) -> tuple[NDArray[np.generic], int]:
    """Weights in TFLite's order and the dimension of the output channels.

    [O, I / groups, H, W] -> [O, H, W, I / groups], or [1, H, W, O] for depthwise.
    """
    data = weights.data if weights.data.ndim == 4 else weights.data[:, :, None, :]
    if depthwise:
        return permuted(data, (1, 2, 3, 0)), 3
    return permuted(data, (0, 2, 3, 1)), 0


def weight_tensor(
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
    scope: Scope,
    node: ir.Node,
    weights: Weights,
    x: Quantization | None,
    channels: int,
    part: slice = slice(None),
) -> int:
    """The bias: float32, or int32 (int64 with 16-bit activations) in units of x scale * w scale.

    Args:
        scope: the lowering.
        node: its third input is the bias, if it has one.
        weights: give their scale.
        x: quantization of the activations; None for floats.
        channels: of the result.
        part: the elements of the node's bias that are wanted.
    """
    value, name = node.inputs[2] if len(node.inputs) > 2 else None, f"{node.name}_bias"
    real = np.zeros(1, np.float32) if value is None else float_constant(scope, value).reshape(-1)
    real = np.broadcast_to(real[part] if real.size > 1 else real, (channels,))
    if x is None or weights.scale is None:
        return scope.out.constant(name, real.astype(np.float32))
    scale = np.asarray(x.scale[0] * np.atleast_1d(weights.scale), np.float32)
    stored = _bias_steps(scope, value, scale)
    if stored is None:
        stored = np.rint(real.astype(np.float64) / scale)
    elif stored.size > 1:
        stored = stored[part]
    wide = str(scope.quantized_type(node.inputs[0])) == "INT16"
    data = np.broadcast_to(stored, (channels,)).astype(np.int64 if wide else np.int32)
    # Kernels go by x scale * w scale. Beside int4 weights the first of them has to stand for all:
    # four bytes a channel are a thirtieth of such a file, and LiteRT computes the same bits.
    told = scale[:1] if weights.data.dtype.name == "int4" else scale
    quantization = Quantization(told, np.zeros(told.size, np.int64))
    return scope.out.constant(name, data, quantization)


def _bias_steps(
    scope: Scope, value: ir.Value | None, scale: NDArray[np.float32]
) -> NDArray[np.generic] | None:
    """The stored bias, if it is int32 in units of the scale that TFLite gives it."""
    if value is None:
        return None
    bias = scope.weights(value)
    if bias.scale is None or bias.data.dtype != np.int32:
        return None
    fits = np.allclose(np.atleast_1d(bias.scale), scale, rtol=1e-5, atol=0)
    return bias.data.reshape(-1) if fits else None


def float_constant(scope: Scope, value: ir.Value) -> NDArray[np.float32]:
    """A constant operand as real numbers."""
    node = value.producer()
    if node is None or not scope.is_quantized(value):
        return required(value, f"operand {value.name}").astype(np.float32)
    stored, zero = required(node.inputs[0], f"operand {value.name}"), zero_point(node)
    if zero is None:
        raise UnsupportedError(f"the zero point of {value.name} is computed at run time")
    return real_values(node, stored, zero)


LOWERINGS = {"Conv": lower_conv}
