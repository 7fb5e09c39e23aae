"""ONNX operators as torch expressions, so that gradients flow through them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor
from torch.nn import functional

from edgesdk_quant.fake_quantize import clamp, fake_quantize, round_through
from edgesdk_quant.graph import constant, value_shape
from edgesdk_runtimes.errors import UnsupportedError


class Call:
    """A node's attributes and constant operands."""

    def __init__(self, node: ir.Node) -> None:
        self.node = node

    def number(self, name: str, default: Any) -> Any:
        found = self.node.attributes.get(name)
        return default if found is None else found.value

    def ints(self, name: str, default: Sequence[int] = ()) -> list[int]:
        return list(self.node.attributes.get_ints(name, list(default)))

    def constant(self, index: int) -> list[Any] | None:
        """The elements of a constant operand, None where it is left out."""
        value = self.node.inputs[index] if index < len(self.node.inputs) else None
        array = constant(value)
        return None if array is None else array.reshape(-1).tolist()


# A left-out operand is None.
Operands = Sequence[Any]
Result = Any  # one tensor or a list of them; torch's own functions are typed loosely


def _numbers(call: Call, x: Operands, index: int) -> list[Any] | None:
    """The elements of an operand, constant or computed from shapes; None where it is left out."""
    held = call.constant(index)
    if held is None and len(x) > index and x[index] is not None:
        return list(x[index].reshape(-1).tolist())
    return held


def _conv(call: Call, x: Operands) -> Result:
    rank = x[1].ndim - 2
    if str(call.number("auto_pad", "NOTSET")) not in ("NOTSET", "VALID"):
        raise UnsupportedError(f"{call.node.name} pads automatically; normalize the graph first.")
    pads = call.ints("pads", [0] * (2 * rank))
    even = pads[:rank] == pads[rank:]
    kernel = (functional.conv1d, functional.conv2d, functional.conv3d)[rank - 1]
    return kernel(
        x[0] if even else functional.pad(x[0], _torch_pads(pads)),
        x[1],
        x[2] if len(x) > 2 else None,
        stride=call.ints("strides", [1] * rank),
        padding=pads[:rank] if even else 0,
        dilation=call.ints("dilations", [1] * rank),
        groups=call.number("group", 1),
    )


def _conv_transpose(call: Call, x: Operands) -> Result:
    rank = x[1].ndim - 2
    if str(call.number("auto_pad", "NOTSET")) != "NOTSET" or call.ints("output_shape"):
        raise UnsupportedError(f"{call.node.name} pads automatically; normalize the graph first.")
    kernel = (
        functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d,
    )[rank - 1]  # fmt: skip
    whole = kernel(
        x[0],
        x[1],
        x[2] if len(x) > 2 else None,
        stride=call.ints("strides", [1] * rank),
        output_padding=call.ints("output_padding", [0] * rank),
        groups=call.number("group", 1),
        dilation=call.ints("dilations", [1] * rank),
    )
    return functional.pad(whole, [-p for p in _torch_pads(call.ints("pads", [0] * (2 * rank)))])


def _torch_pads(pads: Sequence[int]) -> list[int]:
    """ONNX's begins and ends -> torch's pairs, the last dimension first."""
    half = len(pads) // 2
    return [p for d in reversed(range(half)) for p in (pads[d], pads[half + d])]


def _gemm(call: Call, x: Operands) -> Result:
    a = x[0].T if call.number("transA", 0) else x[0]
    b = x[1].T if call.number("transB", 0) else x[1]
    y = call.number("alpha", 1.0) * (a @ b)
    return y if len(x) < 3 or x[2] is None else y + call.number("beta", 1.0) * x[2]


def _clip(call: Call, x: Operands) -> Result:
    low, high = (x[i] if len(x) > i else None for i in (1, 2))
    return clamp(
        x[0], -math.inf if low is None else low.item(), math.inf if high is None else high.item()
    )


def _max_pool(call: Call, x: Operands) -> Result:
    rank = x[0].ndim - 2
    pads = call.ints("pads", [0] * (2 * rank))
    padded = functional.pad(x[0], _torch_pads(pads), value=-math.inf) if any(pads) else x[0]
    kernel = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)[rank - 1]
    return kernel(
        padded,
        call.ints("kernel_shape"),
        call.ints("strides", [1] * rank),
        dilation=call.ints("dilations", [1] * rank),
        ceil_mode=bool(call.number("ceil_mode", 0)),
    )


def _average_pool(call: Call, x: Operands) -> Result:
    rank = x[0].ndim - 2
    pads = call.ints("pads", [0] * (2 * rank))
    counted = bool(call.number("count_include_pad", 0)) or not any(pads)
    if not counted or rank > 2:
        raise UnsupportedError(f"{call.node.name} averages over a border that torch cannot name.")
    kernel = (functional.avg_pool1d, functional.avg_pool2d)[rank - 1]
    padded = functional.pad(x[0], _torch_pads(pads)) if any(pads) else x[0]
    return kernel(padded, call.ints("kernel_shape"), call.ints("strides", [1] * rank))


def _global_average(call: Call, x: Operands) -> Result:
    return x[0].mean(dim=tuple(range(2, x[0].ndim)), keepdim=True)


def _reduce_mean(call: Call, x: Operands) -> Result:
    axes = call.constant(1) or list(range(x[0].ndim))
    return x[0].mean(dim=axes, keepdim=bool(call.number("keepdims", 1)))


def _reduce_sum(call: Call, x: Operands) -> Result:
    axes = call.constant(1) or list(range(x[0].ndim))
    return x[0].sum(dim=axes, keepdim=bool(call.number("keepdims", 1)))


def _reshape(call: Call, x: Operands) -> Result:
    shape = [int(size) for size in _numbers(call, x, 1) or []]
    sizes = [x[0].shape[i] if size == 0 else size for i, size in enumerate(shape)]
    if sizes and sizes[0] > 0 and shape[0] != 0:
        sizes[0] *= _samples(call, x[0], sizes[0])
    return x[0].reshape(sizes)


def _samples(call: Call, x: Tensor, target: int) -> int:
    """How many times the samples that the graph was made for are in the first dimension."""
    declared = value_shape(call.node.inputs[0])
    if declared is None:
        return x.shape[0] if target == 1 else 1
    return x.shape[0] // declared[0] if declared and declared[0] else 1


def _flatten(call: Call, x: Operands) -> Result:
    axis = call.number("axis", 1)
    return x[0].reshape(math.prod(x[0].shape[:axis]), -1)


def _transpose(call: Call, x: Operands) -> Result:
    return x[0].permute(call.ints("perm", list(reversed(range(x[0].ndim)))))


def _squeeze(call: Call, x: Operands) -> Result:
    axes = call.constant(1)
    return x[0].squeeze() if axes is None else x[0].squeeze([int(a) for a in axes])


def _unsqueeze(call: Call, x: Operands) -> Result:
    axes = call.constant(1) or []
    rank = x[0].ndim + len(axes)
    for axis in sorted(int(a) % rank for a in axes):
        x = [x[0].unsqueeze(axis)]
    y: Tensor = x[0]
    return y


def _pad(call: Call, x: Operands) -> Result:
    pads = [int(p) for p in call.constant(1) or []]
    fill = (call.constant(2) or [0.0])[0]
    return functional.pad(x[0], _torch_pads(pads), value=fill)


def _slice(call: Call, x: Operands) -> Result:
    starts, ends = _numbers(call, x, 1) or [], _numbers(call, x, 2) or []
    axes = _numbers(call, x, 3) or list(range(len(starts)))
    steps = _numbers(call, x, 4) or [1] * len(starts)
    y: Tensor = x[0]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        places = range(*slice(int(start), int(end), int(step)).indices(y.shape[int(axis)]))
        y = y.index_select(int(axis), torch.tensor(places))
    return y


def _shape(call: Call, x: Operands) -> Result:
    first, end = call.number("start", 0), call.number("end", None)
    return torch.tensor(x[0].shape[first:end])


def _expand(call: Call, x: Operands) -> Result:
    sizes = [int(size) for size in _numbers(call, x, 1) or []]
    return x[0].expand(np.broadcast_shapes(tuple(x[0].shape), tuple(sizes)))


def _constant_of_shape(call: Call, x: Operands) -> Result:
    held = call.node.attributes.get_tensor("value")
    value = np.zeros(1, np.float32) if held is None else held.numpy()
    return torch.from_numpy(np.array(value)).expand([int(size) for size in x[0]])


def _cast(call: Call, x: Operands) -> Result:
    return x[0].to(CAST.get(call.number("to", 1), torch.int64))


def _depth_to_space(call: Call, x: Operands) -> Result:
    block = int(call.number("blocksize", 1))
    if str(call.number("mode", "DCR")) == "CRD":
        return functional.pixel_shuffle(x[0], block)
    count, depth, height, width = x[0].shape
    parts = x[0].reshape(count, block, block, depth // block**2, height, width)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(count, -1, height * block, width * block)


def _resize(call: Call, x: Operands) -> Result:
    """Images, by the rules that torch has."""
    mode, place = str(call.number("mode", "nearest")), str(call.number(PLACE, "half_pixel"))
    old, size = list(x[0].shape[2:]), _resized(call, x)
    if x[0].ndim == 4 and size and mode == "linear" and place in INTERPOLATED:
        corners = place == "align_corners"
        return functional.interpolate(x[0], size, mode="bilinear", align_corners=corners)
    floors = place == "asymmetric" and str(call.number("nearest_mode", "")) == "floor"
    times = all(n % m == 0 for n, m in zip(size, old, strict=False))
    if size and mode == "nearest" and (floors or (times and place in REPEATED)):
        return functional.interpolate(x[0], size, mode="nearest")
    raise UnsupportedError(f"{call.node.name} resizes by {mode}, {place}, which torch does not.")


def _resized(call: Call, x: Operands) -> list[int]:
    """Height and width; none where a scale does not give whole ones."""
    if sizes := _numbers(call, x, 3):
        return [int(n) for n in sizes[2:]]
    exact = [n * s for n, s in zip(x[0].shape, _numbers(call, x, 2) or [], strict=True)][2:]
    return [int(n) for n in exact] if all(float(n).is_integer() for n in exact) else []


def _instance_norm(call: Call, x: Operands) -> Result:
    return functional.instance_norm(x[0], weight=x[1], bias=x[2], eps=call.number("epsilon", 1e-5))


def _reduce_max(call: Call, x: Operands) -> Result:
    axes = call.constant(1) or list(range(x[0].ndim))
    return x[0].amax(dim=[int(a) for a in axes], keepdim=bool(call.number("keepdims", 1)))


def _softmax(call: Call, x: Operands) -> Result:
    return torch.softmax(x[0], dim=call.number("axis", -1))


def _gelu(call: Call, x: Operands) -> Result:
    return functional.gelu(x[0], approximate=str(call.number("approximate", "none")))


def _layer_norm(call: Call, x: Operands) -> Result:
    axis = call.number("axis", -1) % x[0].ndim
    bias = x[2] if len(x) > 2 else None
    return functional.layer_norm(x[0], x[0].shape[axis:], x[1], bias, call.number("epsilon", 1e-5))


def _gather(call: Call, x: Operands) -> Result:
    axis = call.number("axis", 0) % x[0].ndim
    places = x[1].long() % x[0].shape[axis]
    rows = x[0].index_select(axis, places.reshape(-1))
    return rows.reshape(*x[0].shape[:axis], *places.shape, *x[0].shape[axis + 1 :])


def _gather_nd(call: Call, x: Operands) -> Result:
    if call.number("batch_dims", 0):
        raise UnsupportedError(f"{call.node.name} gathers within batches, which torch does not.")
    return x[0][tuple(x[1].long().unbind(-1))]


def _gather_elements(call: Call, x: Operands) -> Result:
    axis = call.number("axis", 0)
    return torch.gather(x[0], axis, x[1].long() % x[0].shape[axis])


def _cum_sum(call: Call, x: Operands) -> Result:
    if call.number("exclusive", 0) or call.number("reverse", 0):
        raise UnsupportedError(f"{call.node.name} sums from another side than torch does.")
    return torch.cumsum(x[0], dim=int(x[1]))


def _split(call: Call, x: Operands) -> Result:
    axis, sizes = call.number("axis", 0), call.constant(1)
    if sizes is None:
        return list(torch.tensor_split(x[0], len(call.node.outputs), dim=axis))
    return list(torch.split(x[0], [int(s) for s in sizes], dim=axis))


def only_dequantized(quantizer: ir.Node) -> bool:
    """Whether nothing but dequantizers with its own scale and zero point reads a quantizer."""
    stored = quantizer.outputs[0]
    readers = [node for node, _ in stored.uses()]
    return not stored.is_graph_output() and all(
        node.op_type == "DequantizeLinear" and node.inputs[1:] == quantizer.inputs[1:]
        for node in readers
    )


def _quantize(call: Call, x: Operands) -> Result:
    """Stored values, as floats: integers would cut the gradient. Real ones where that will do."""
    zero = constant(call.node.inputs[2]) if len(call.node.inputs) > 2 else np.zeros((), np.uint8)
    limits = np.iinfo("uint8" if zero is None else zero.dtype.name)
    shift = 0 if zero is None else float(zero.reshape(-1)[0])
    if only_dequantized(call.node):
        ends = limits.min - shift, limits.max - shift
        return fake_quantize(x[0], x[1], *ends)
    rounded = round_through(x[0] / x[1]).add_(shift)
    return clamp(rounded, limits.min, limits.max)


def _dequantize(call: Call, x: Operands) -> Result:
    source = call.node.inputs[0]
    maker = None if source is None else source.producer()
    if maker is not None and maker.op_type == "QuantizeLinear" and only_dequantized(maker):
        return x[0]
    zero = constant(call.node.inputs[2]) if len(call.node.inputs) > 2 else None
    steps = _along(call, x[1], x[0])
    if zero is None or not zero.astype(np.int32).any():
        return x[0].to(torch.float32) * steps
    shift = torch.from_numpy(np.array(zero, np.float32))
    return (x[0].to(torch.float32) - _along(call, shift, x[0])) * steps


def _along(call: Call, parameter: Tensor, x: Tensor) -> Tensor:
    """Parameters of a tensor, a channel or a block, as they broadcast against the values."""
    if parameter.numel() == 1:
        return parameter.reshape(())
    axis, block = call.number("axis", 1) % x.ndim, call.number("block_size", 0)
    if block:
        return parameter.repeat_interleave(block, dim=axis).narrow(axis, 0, x.shape[axis])
    return parameter.reshape([-1 if d == axis else 1 for d in range(x.ndim)])


CAST = {int(ir.DataType.FLOAT): torch.float32, int(ir.DataType.BOOL): torch.bool}
PLACE = "coordinate_transformation_mode"
REPEATED = ("half_pixel", "asymmetric")
INTERPOLATED = ("half_pixel", "pytorch_half_pixel", "align_corners")
OPERATORS: Mapping[str, Callable[[Call, Operands], Result]] = {
    "Abs": lambda call, x: torch.abs(x[0]),
    "Add": lambda call, x: x[0] + x[1],
    "And": lambda call, x: x[0] & x[1],
    "AveragePool": _average_pool,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": lambda call, x: torch.cat(list(x), dim=call.number("axis", 0)),
    "ConstantOfShape": _constant_of_shape,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Cos": lambda call, x: torch.cos(x[0]),
    "CumSum": _cum_sum,
    "DepthToSpace": _depth_to_space,
    "DequantizeLinear": _dequantize,
    "Div": lambda call, x: x[0] / x[1],
    "Elu": lambda call, x: functional.elu(x[0], call.number("alpha", 1.0)),
    "Equal": lambda call, x: x[0] == x[1],
    "Erf": lambda call, x: torch.erf(x[0]),
    "Exp": lambda call, x: torch.exp(x[0]),
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average,
    "Greater": lambda call, x: x[0] > x[1],
    "GreaterOrEqual": lambda call, x: x[0] >= x[1],
    "HardSigmoid": lambda call, x: torch.clamp(
        call.number("alpha", 0.2) * x[0] + call.number("beta", 0.5), 0, 1
    ),
    "HardSwish": lambda call, x: functional.hardswish(x[0]),
    "InstanceNormalization": _instance_norm,
    "IsNaN": lambda call, x: torch.isnan(x[0]),
    "LayerNormalization": _layer_norm,
    "LeakyRelu": lambda call, x: functional.leaky_relu(x[0], call.number("alpha", 0.01)),
    "Less": lambda call, x: x[0] < x[1],
    "LessOrEqual": lambda call, x: x[0] <= x[1],
    "Log": lambda call, x: torch.log(x[0]),
    "LogSoftmax": lambda call, x: torch.log_softmax(x[0], dim=call.number("axis", -1)),
    "MatMul": lambda call, x: x[0] @ x[1],
    "Max": lambda call, x: functools.reduce(torch.maximum, x),
    "MaxPool": _max_pool,
    "Min": lambda call, x: functools.reduce(torch.minimum, x),
    "Mul": lambda call, x: x[0] * x[1],
    "Neg": lambda call, x: -x[0],
    "Not": lambda call, x: ~x[0],
    "Or": lambda call, x: x[0] | x[1],
    "PRelu": lambda call, x: torch.where(x[0] >= 0, x[0], x[0] * x[1]),
    "Pad": _pad,
    "Pow": lambda call, x: x[0] ** x[1],
    "QuantizeLinear": _quantize,
    "Range": lambda call, x: torch.arange(*(operand.item() for operand in x)),
    "Reciprocal": lambda call, x: 1 / x[0],
    "ReduceMax": _reduce_max,
    "ReduceMean": _reduce_mean,
    "ReduceSum": _reduce_sum,
    "Relu": lambda call, x: torch.relu(x[0]),
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": _shape,
    "Sigmoid": lambda call, x: torch.sigmoid(x[0]),
    "Sin": lambda call, x: torch.sin(x[0]),
    "Slice": _slice,
    "Softmax": _softmax,
    "Softplus": lambda call, x: functional.softplus(x[0]),
    "Split": _split,
    "Sqrt": lambda call, x: torch.sqrt(x[0]),
    "Squeeze": _squeeze,
    "Sub": lambda call, x: x[0] - x[1],
    "Tanh": lambda call, x: torch.tanh(x[0]),
    "Tile": lambda call, x: x[0].repeat([int(n) for n in _numbers(call, x, 1) or []]),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": lambda call, x: torch.where(x[0], x[1], x[2]),
}
