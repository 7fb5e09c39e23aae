"""A graph evaluated by torch: each ONNX node is a torch expression, so gradients flow through it.

QuantizeLinear -> DequantizeLinear is a fake quantizer with a straight-through gradient: inside the
range the gradient passes, outside it is zero (Bengio et al. 2013; Jacob et al. 2018, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor
from torch.nn import functional

from edgesdk_quant.graph import constant
from edgesdk_runtimes.errors import UnsupportedError

Values = Mapping[str, Tensor]


class TorchGraph:
    """Evaluates a graph; constants may be replaced by tensors that learn."""

    def __init__(self, model: ir.Model) -> None:
        """Take a graph in normal form, Q/DQ nodes allowed.

        Raises:
            UnsupportedError: operators without a torch expression; names all of them.
        """
        unknown = sorted({node.op_type for node in model.graph} - set(OPERATORS))
        if unknown:
            raise UnsupportedError(
                f"There is no torch expression of {', '.join(unknown)}; layers between them are "
                "rounded to nearest. GPTQ and sequential MSE need no gradients."
            )
        self._nodes = list(model.graph)
        self._outputs = [str(value.name) for value in model.graph.outputs]
        self._constants = {
            name: torch.from_numpy(np.array(array))
            for name, value in model.graph.initializers.items()
            if (array := constant(value)) is not None and array.dtype.name in TORCH_TYPES
        }

    def run(self, inputs: Values, learnt: Values | None = None) -> dict[str, Tensor]:
        """All values by name.

        Args:
            inputs: graph inputs; dimension 0 may hold more samples than the graph was made for.
            learnt: initializers to be replaced.
        """
        values: dict[str, Tensor] = {**self._constants, **(learnt or {}), **inputs}
        for node in self._nodes:
            operands = [None if v is None else values.get(str(v.name)) for v in node.inputs]
            result = OPERATORS[node.op_type](Call(node), operands)
            results = [result] if isinstance(result, Tensor) else result
            values.update(zip((str(v.name) for v in node.outputs), results, strict=False))
        return values

    def outputs(self, values: Values) -> list[Tensor]:
        """The graph's outputs among all values."""
        return [values[name] for name in self._outputs]


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
TORCH_TYPES = {"float32", "float64", "int32", "int64", "int8", "uint8", "bool"}


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


def _torch_pads(pads: Sequence[int]) -> list[int]:
    """ONNX's begins and ends -> torch's pairs, the last dimension first."""
    half = len(pads) // 2
    return [p for d in reversed(range(half)) for p in (pads[d], pads[half + d])]


def _gemm(call: Call, x: Operands) -> Result:
    a = x[0].T if call.number("transA", 0) else x[0]
    b = x[1].T if call.number("transB", 0) else x[1]
    y = call.number("alpha", 1.0) * (a @ b)
    return y if len(x) < 3 or x[2] is None else y + call.number("beta", 1.0) * x[2]


class Clamp(torch.autograd.Function):
    """torch.clamp; its gradient takes one pass over the values instead of four."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: float, high: float) -> Tensor:
        ctx.save_for_backward(x)
        ends, beyond = np.array([low, high], np.float32), np.array([-np.inf, np.inf], np.float32)
        ctx.ends = np.nextafter(ends, beyond).tolist()
        return torch.clamp(x, low, high)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradients[0], x, *ctx.ends), None, None


def clamp(x: Tensor, low: float, high: float) -> Tensor:
    """`Clamp` as a typed function."""
    clamped: Tensor = Clamp.apply(x, low, high)  # type: ignore[no-untyped-call]
    return clamped


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
    shape = [int(size) for size in call.constant(1) or []]
    sizes = [x[0].shape[i] if size == 0 else size for i, size in enumerate(shape)]
    if sizes and sizes[0] == 1 and x[0].shape[0] > 1:
        sizes[0] = x[0].shape[0]
    return x[0].reshape(sizes)


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


def _split(call: Call, x: Operands) -> Result:
    axis, sizes = call.number("axis", 0), call.constant(1)
    if sizes is None:
        return list(torch.tensor_split(x[0], len(call.node.outputs), dim=axis))
    return list(torch.split(x[0], [int(s) for s in sizes], dim=axis))


class Round(torch.autograd.Function):
    """To the nearest integer, ties to even; the gradient passes as it is."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.round(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


def round_through(x: Tensor) -> Tensor:
    """`Round` as a typed function."""
    rounded: Tensor = Round.apply(x)  # type: ignore[no-untyped-call]
    return rounded


class FakeQuantize(torch.autograd.Function):
    """QuantizeLinear and DequantizeLinear as one: the same bits in fewer passes over the values."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, low: float, high: float) -> Tensor:
        """`low` and `high` are the ends of the stored values less the zero point."""
        places = (x / scale).round_()
        ctx.save_for_backward(places, scale)
        ctx.ends = low - 0.5, high + 0.5
        return places.clamp(low, high).mul_(scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        places, scale = ctx.saved_tensors
        inside = torch.ops.aten.hardtanh_backward(gradients[0] * scale, places, *ctx.ends)
        return inside.div_(scale), None, None, None


def _only_dequantized(quantizer: ir.Node) -> bool:
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
    if _only_dequantized(call.node):
        ends = limits.min - shift, limits.max - shift
        return FakeQuantize.apply(x[0], x[1], *ends)  # type: ignore[no-untyped-call]
    rounded = round_through(x[0] / x[1]).add_(shift)
    return clamp(rounded, limits.min, limits.max)


def _dequantize(call: Call, x: Operands) -> Result:
    source = call.node.inputs[0]
    maker = None if source is None else source.producer()
    if maker is not None and maker.op_type == "QuantizeLinear" and _only_dequantized(maker):
        return x[0]
    zero = constant(call.node.inputs[2]) if len(call.node.inputs) > 2 else None
    if (zero is not None and zero.size > 1) or x[1].numel() > 1:
        raise UnsupportedError(f"{call.node.name} is not per tensor.")
    shift = 0.0 if zero is None else float(zero.reshape(-1)[0])
    return (x[0].to(torch.float32) - shift).mul_(x[1])


OPERATORS: Mapping[str, Callable[[Call, Operands], Result]] = {
    "Add": lambda call, x: x[0] + x[1],
    "AveragePool": _average_pool,
    "Cast": lambda call, x: x[0].to(torch.float32) if call.number("to", 1) == 1 else x[0].long(),
    "Clip": _clip,
    "Concat": lambda call, x: torch.cat(list(x), dim=call.number("axis", 0)),
    "Conv": _conv,
    "DequantizeLinear": _dequantize,
    "Div": lambda call, x: x[0] / x[1],
    "Erf": lambda call, x: torch.erf(x[0]),
    "Flatten": _flatten,
    "Gather": _gather,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average,
    "HardSwish": lambda call, x: functional.hardswish(x[0]),
    "LayerNormalization": _layer_norm,
    "LeakyRelu": lambda call, x: functional.leaky_relu(x[0], call.number("alpha", 0.01)),
    "MatMul": lambda call, x: x[0] @ x[1],
    "MaxPool": _max_pool,
    "Mul": lambda call, x: x[0] * x[1],
    "PRelu": lambda call, x: torch.where(x[0] >= 0, x[0], x[0] * x[1]),
    "Pad": _pad,
    "Pow": lambda call, x: x[0] ** x[1],
    "QuantizeLinear": _quantize,
    "ReduceMean": _reduce_mean,
    "ReduceSum": _reduce_sum,
    "Relu": lambda call, x: torch.relu(x[0]),
    "Reshape": _reshape,
    "Sigmoid": lambda call, x: torch.sigmoid(x[0]),
    "Softmax": _softmax,
    "Split": _split,
    "Sqrt": lambda call, x: torch.sqrt(x[0]),
    "Squeeze": _squeeze,
    "Sub": lambda call, x: x[0] - x[1],
    "Tanh": lambda call, x: torch.tanh(x[0]),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
