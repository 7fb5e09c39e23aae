"""ConvTranspose -> TRANSPOSE_CONV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk.export.tflite.convolution import bias_tensor, operands, weight_tensor
from edgesdk.export.tflite.images import as_image
from edgesdk.export.tflite.padding import pad_spatially
from edgesdk.export.tflite.scope import Scope, Weights, channels_last, permuted
from edgesdk.export.tflite.tensors import static_shape
from edgesdk_runtimes.errors import UnsupportedError


@dataclass(frozen=True)
class Upsampling:
    """Geometry over two spatial dimensions.

    Attributes:
        strides: of the output for one step of the input.
        kernel: sizes, dilation written out.
        crop: pixels cut off in front of the full result.
        outputs: sizes of the wanted result.
        full: sizes of the full result, `(in - 1) * stride + kernel`.
    """

    strides: tuple[int, ...]
    kernel: tuple[int, ...]
    crop: tuple[int, ...]
    outputs: tuple[int, ...]
    full: tuple[int, ...]

    @property
    def missing(self) -> tuple[int, ...]:
        """Pixels that the full result is short of at the end (`output_padding`)."""
        rows = zip(self.crop, self.outputs, self.full, strict=True)
        return tuple(max(crop + size - full, 0) for crop, size, full in rows)

    def padding_name(self) -> str:
        """VALID or SAME if one of them cuts so, else an empty text."""
        if self.full == self.outputs and not any(self.crop):
            return "VALID"
        return "SAME" if all(map(self._is_same, range(2))) else ""

    def _is_same(self, i: int) -> bool:
        """SAME cuts the odd pixel at the end, and its output is a whole number of strides."""
        extra = self.full[i] - self.outputs[i]
        steps = -(-self.outputs[i] // self.strides[i])
        inputs = (self.full[i] - self.kernel[i]) // self.strides[i] + 1
        return extra >= 0 and self.crop[i] == extra // 2 and steps == inputs


def lower_conv_transpose(scope: Scope, node: ir.Node) -> None:
    """ConvTranspose over one or two dimensions; what is neither SAME nor VALID is cropped."""
    value, weight_value = operands(node)
    weights, shape = scope.weights(weight_value), static_shape(value)
    if len(shape) not in (3, 4):
        raise UnsupportedError(f"{len(shape) - 2} spatial dimensions; 1 and 2 are possible")
    geometry = _geometry(node, shape, weights.data.shape)
    group = node.attributes.get_int("group", 1)
    integer = scope.runs_on_integers(node, [value]) and weights.scale is not None
    x = as_image(scope, value, integer=integer)
    activation, result_value = scope.fuse(node)
    result = image = scope.result(result_value, channels_last(len(shape)), integer=integer)
    if len(shape) == 3:
        n, length, c = scope.out.shape(result)
        image = scope.out.like(f"{node.name}_image", result, (n, 1, length, c))
    emit = _Emitter(scope, node, weights, activation, integer)
    padding = geometry.padding_name() if group == 1 else ""
    if padding:
        emit(x, geometry, padding, image)
    else:
        _crop(scope, _whole(emit, x, geometry, group, image), geometry, image)
    if image != result:
        scope.reshape(image, result)


def _geometry(node: ir.Node, shape: Sequence[int], weight: Sequence[int]) -> Upsampling:
    """Pads, `output_shape` and `auto_pad` as the ONNX standard resolves them."""
    rank = len(shape) - 2
    outputs = static_shape(node.outputs[0])[2:]
    strides = tuple(node.attributes.get_ints("strides", [1] * rank))
    dilations = tuple(node.attributes.get_ints("dilations", [1] * rank))
    kernel = tuple((k - 1) * d + 1 for k, d in zip(weight[2:], dilations, strict=True))
    full = tuple((i - 1) * s + k for i, s, k in zip(shape[2:], strides, kernel, strict=True))
    crop = _crops(node, rank, outputs, full)
    if rank == 1:
        return Upsampling((1, *strides), (1, *kernel), (0, *crop), (1, *outputs), (1, *full))
    return Upsampling(strides, kernel, crop, outputs, full)


def _crops(
    node: ir.Node, rank: int, outputs: Sequence[int], full: Sequence[int]
) -> tuple[int, ...]:
    mode = node.attributes.get_string("auto_pad", "NOTSET")
    if mode == "NOTSET" and "output_shape" not in node.attributes:
        return tuple(node.attributes.get_ints("pads", [0] * (2 * rank))[:rank])
    extra = node.attributes.get_ints("output_padding", [0] * rank)
    total = [max(f + e - o, 0) for f, e, o in zip(full, extra, outputs, strict=True)]
    if mode == "SAME_UPPER":
        return tuple(t // 2 for t in total)
    return tuple(t - t // 2 for t in total)


def _whole(emit: _Emitter, x: int, geometry: Upsampling, group: int, image: int) -> int:
    """The full result of all groups, with the type and quantization of the image."""
    scope, name = emit.scope, str(emit.node.name)
    if any(geometry.missing):
        rows = zip(geometry.missing, geometry.strides, strict=True)
        x = pad_spatially(scope, x, tuple((0, -(-m // s)) for m, s in rows))
    n, *sizes, _ = scope.out.shape(x)
    axes = zip(sizes, geometry.strides, geometry.kernel, strict=True)
    full = tuple((i - 1) * s + k for i, s, k in axes)
    wide = Upsampling(geometry.strides, geometry.kernel, (0, 0), full, full)
    units = scope.out.shape(image)[3] // group
    results = [scope.out.like(f"{name}_full", image, (n, *full, units)) for _ in range(group)]
    parts = _split(scope, name, x, group) if group > 1 else [x]
    for i, (part, result) in enumerate(zip(parts, results, strict=True)):
        emit.of_group(i, group)(part, wide, "VALID", result)
    if group == 1:
        return results[0]
    joined = scope.out.like(f"{name}_joined", image, (n, *full, units * group))
    scope.out.emit("CONCATENATION", results, [joined], axis=3, fused_activation_function="NONE")
    return joined


def _split(scope: Scope, name: str, x: int, group: int) -> list[int]:
    *outer, channels = scope.out.shape(x)
    shape = (*outer, channels // group)
    parts = [scope.out.like(f"{name}_group", x, shape) for _ in range(group)]
    axis = scope.out.constant(f"{name}_axis", np.array(3, np.int32))
    scope.out.emit("SPLIT", [axis, x], parts, num_splits=group)
    return parts


@dataclass(frozen=True)
class _Emitter:
    """Emits TRANSPOSE_CONV operators of one node.

    Attributes:
        scope: the lowering.
        node: the node.
        weights: those of one group, [I, O, kH, kW] or [I, O, kL].
        activation: fused activation.
        integer: whether activations are integers.
        channels: the outputs that these weights make, of all outputs of the node.
    """

    scope: Scope
    node: ir.Node
    weights: Weights
    activation: str
    integer: bool
    channels: slice = field(default_factory=lambda: slice(None))

    def of_group(self, i: int, group: int) -> _Emitter:
        """The emitter with the weights of one group."""
        data, scale = self.weights.data, self.weights.scale
        rows, units = data.shape[0] // group, data.shape[1]
        part = Weights(data[i * rows : (i + 1) * rows], scale, self.weights.axis)
        return replace(self, weights=part, channels=slice(i * units, (i + 1) * units))

    def __call__(self, x: int, geometry: Upsampling, padding: str, result: int) -> None:
        scope, weights = self.scope, self.weights
        data = weights.data if weights.data.ndim == 4 else weights.data[:, :, None, :]
        kernel = _spread(permuted(data, (1, 2, 3, 0)), geometry.kernel)
        name = f"{self.node.name}_weight"
        w = weight_tensor(scope, name, kernel, weights, 0, integer=self.integer)
        scale = scope.out.tensors[x].quantization if self.integer else None
        b = bias_tensor(scope, self.node, weights, scale, kernel.shape[0], self.channels)
        shape = np.array(scope.out.shape(result), np.int32)
        operand = scope.out.constant(f"{self.node.name}_shape", shape)
        scope.out.emit(
            "TRANSPOSE_CONV",
            [operand, w, x, b],
            [result],
            padding=padding,
            stride_h=geometry.strides[0],
            stride_w=geometry.strides[1],
            fused_activation_function=self.activation,
        )


def _spread(kernel: NDArray[np.generic], sizes: Sequence[int]) -> NDArray[np.generic]:
    """The kernel [O, H, W, I] with the zeros of its dilation written out."""
    if kernel.shape[1:3] == tuple(sizes):
        return kernel
    wide = np.zeros((kernel.shape[0], *sizes, kernel.shape[3]), kernel.dtype)
    steps = [(s - 1) // max(k - 1, 1) for s, k in zip(sizes, kernel.shape[1:3], strict=True)]
    wide[:, :: max(steps[0], 1), :: max(steps[1], 1)] = kernel
    return wide


def _crop(scope: Scope, full: int, geometry: Upsampling, result: int) -> None:
    n, height, width, channels = scope.out.shape(result)
    top, left = geometry.crop
    rows = ((0, top, left, 0), (n, top + height, left + width, channels), (1, 1, 1, 1))
    bounds = [
        scope.out.constant(f"{scope.out.tensors[result].name}_bounds", np.array(row, np.int32))
        for row in rows
    ]
    scope.out.emit(
        "STRIDED_SLICE",
        [full, *bounds],
        [result],
        begin_mask=0,
        end_mask=0,
        ellipsis_mask=0,
        new_axis_mask=0,
        shrink_axis_mask=0,
    )


LOWERINGS = {"ConvTranspose": lower_conv_transpose}
