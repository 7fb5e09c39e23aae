"""An integer operator: what stands between dequantizers and a quantizer, as runtimes compute it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor

from edgesdk.training.integer_rules import RULES
from edgesdk.training.layers import LAYERS, dequantizer
from edgesdk_quant.graph import constant, consumers
from edgesdk_quant.numerics import SMALLEST_SCALE, Grid, rescale_by_256
from edgesdk_quant.operators import CLIPS, channel_axis, clip_bounds, input_at
from edgesdk_quant.torch_graph import OPERATORS, Call
from edgesdk_quant.torch_graph.fake_quantize import clamp, round_through

Values = Mapping[str, Tensor]
ACTIVATIONS = frozenset({"Clip", "Relu"})
ACTIVATED = LAYERS | {"Add", "MatMul", "Mul", "Sub"}  # kernels that bound their results
EXACT = 2.0**24  # float32 holds every integer up to it
TO_INT8 = 128  # a graph's 8 bits are unsigned, a runtime's are signed


class Exactly(torch.autograd.Function):
    """Forwards the exact value, backwards its real approximation."""

    @staticmethod
    def forward(ctx: Any, approximate: Tensor, exact: Tensor) -> Tensor:
        return exact

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


@dataclass(frozen=True)
class Operand:
    """Where to find a dequantized value.

    Attributes:
        real: name of the value.
        stored: name of the stored integers, where they are constant.
        scale: name of its scale.
        zero: its zero point.
    """

    real: str
    stored: str
    scale: str
    zero: int

    def centred(self, values: Values) -> Tensor:
        """Stored values less the zero point, as floats."""
        if self.stored:
            return values[self.stored].to(torch.float32) - self.zero
        return round_through(values[self.real] / values[self.scale])


@dataclass(frozen=True)
class IntegerOperator:
    """An operator, the activation that its kernel applies, and the quantizer behind.

    Attributes:
        node: the operator; None where a dequantizer leads straight to the quantizer.
        activation: Relu or Clip between it and the quantizer.
        operands: its inputs.
        out: its result.
    """

    node: ir.Node | None
    activation: ir.Node | None
    operands: tuple[Operand, ...]
    out: Operand

    @property
    def covered(self) -> tuple[ir.Node, ...]:
        """Nodes that need no evaluation of their own."""
        return tuple(node for node in (self.node, self.activation) if node is not None)

    def run(self, values: Values) -> Tensor:
        """The result, dequantized again."""
        step = values[self.out.scale]
        low, high = self._bounds(step.item())
        if self.node is not None and self.node.op_type in LAYERS | {"MatMul"}:
            places = clamp(round_through(self._products(self.node, values, step)), low, high)
        else:
            places = self._by_rule(values, step, low, high)
        return places * step

    def _bounds(self, step: float) -> tuple[float, float]:
        """Least and largest stored value, less the zero point."""
        low, high = float(-self.out.zero), float(255 - self.out.zero)
        bounds = None if self.activation is None else clip_bounds(self.activation)
        if bounds is None:
            return low, high
        least, most = (np.rint(np.float32(b) / np.float32(step)) for b in bounds)
        return max(low, float(least)), min(high, float(most))

    def _products(self, node: ir.Node, values: Values, step: Tensor) -> Tensor:
        """Sums of products in units of the result's step: exact, then one rounding."""
        x, *constants = (operand.centred(values) for operand in self.operands)
        scale = values[self.operands[0].scale] * values[self.operands[1].scale] / step
        scale = torch.where(scale < float(SMALLEST_SCALE), torch.zeros_like(scale), scale)
        if scale.ndim and node.op_type in ("Conv", "ConvTranspose"):
            scale = scale.reshape(-1, *[1] * (x.ndim - 2))
        kind = _wide_enough(channel_axis(node), *constants)
        sums = OPERATORS[node.op_type](Call(node), [x.to(kind), *(c.to(kind) for c in constants)])
        scaled: Tensor = sums.to(torch.float32) * scale
        return scaled

    def _by_rule(self, values: Values, step: Tensor, low: float, high: float) -> Tensor:
        grids = [_grid(op, values, -op.zero, 255 - op.zero) for op in self.operands]
        out = _grid(self.out, values, low, high)
        stored = [
            (operand.centred(values).detach().numpy() + grid.zero_point).astype(np.int8)
            for operand, grid in zip(self.operands, grids, strict=True)
        ]
        if self.node is None:
            exact = rescale_by_256(stored[0], grids[0], out)
        else:
            exact = RULES[self.node.op_type](self.node, stored, grids, out)
        places = clamp(round_through(self._real(values) / step), low, high)
        centred = torch.from_numpy(exact.astype(np.float32) - np.float32(out.zero_point))
        passed: Tensor = Exactly.apply(places, centred)  # type: ignore[no-untyped-call]
        return passed

    def _real(self, values: Values) -> Tensor:
        """What the real operator gives."""
        real = [values[operand.real] for operand in self.operands]
        if self.node is None:
            return real[0]
        others = self.node.inputs[len(real) :]
        extra = [None if value is None else values.get(str(value.name)) for value in others]
        result: Tensor = OPERATORS[self.node.op_type](Call(self.node), [*real, *extra])
        return result


def integer_operator(quantizer: ir.Node) -> IntegerOperator | None:
    """What a quantizer ends; None where it is no integer operator that is known here."""
    out, node = _operand(quantizer), _maker(quantizer)
    if out is None or node is None:
        return None
    if node.op_type == "DequantizeLinear":
        source = _operand(node)
        plain = source is not None and not source.stored
        return IntegerOperator(None, None, (source,), out) if source and plain else None
    activation = None
    if node.op_type in ACTIVATIONS and clip_bounds(node) in CLIPS and _alone(node):
        activation, node = node, _maker(node)
    if node is None or not _alone(node) or (activation and node.op_type not in ACTIVATED):
        return None
    operands = _operands(node)
    return None if operands is None else IntegerOperator(node, activation, operands, out)


def _maker(node: ir.Node) -> ir.Node | None:
    return None if node.inputs[0] is None else node.inputs[0].producer()


def _alone(node: ir.Node) -> bool:
    """Whether one node alone reads its result."""
    result = node.outputs[0]
    return len(consumers(result)) == 1 and not result.is_graph_output()


def _operands(node: ir.Node) -> tuple[Operand, ...] | None:
    """The dequantized inputs, if all that carry data are; None for operators not known here."""
    weighs = node.op_type in LAYERS | {"MatMul"}
    if not weighs and node.op_type not in RULES:
        return None
    counted = 2 if node.op_type in ("Add", "Mul", "Sub") else 1
    values = [v for v in (node.inputs if weighs else node.inputs[:counted]) if v is not None]
    found = [_operand(maker) for v in values if (maker := dequantizer(v)) is not None]
    operands = tuple(operand for operand in found if operand is not None)
    known = len(operands) == len(values) and (not weighs or bool(operands[1].stored))
    return operands if known else None


def _operand(node: ir.Node) -> Operand | None:
    """Of a quantizer or dequantizer; None where it is not 8 bits, or has a zero point a channel."""
    source, scale, zero = node.inputs[0], node.inputs[1], constant(input_at(node, 2))
    if source is None or scale is None or constant(scale) is None:
        return None
    stored = str(source.name) if constant(source) is not None else ""
    if not stored and (zero is None or zero.dtype != np.uint8):
        return None
    zeros = np.unique(np.asarray(0 if zero is None else zero, np.int32))
    if zeros.size > 1:
        return None
    return Operand(str(node.outputs[0].name), stored, str(scale.name), int(zeros[0]))


def _wide_enough(axis: int, weights: Tensor, *bias: Tensor) -> torch.dtype:
    """float32 where it holds every sum that 8 bits of input can make, else float64."""
    others = [d for d in range(weights.ndim) if d != axis]
    most = 255 * weights.detach().abs().sum(others).max() + sum(
        b.detach().abs().max() for b in bias
    )
    return torch.float32 if float(most) < EXACT else torch.float64


def _grid(operand: Operand, values: Values, low: float, high: float) -> Grid:
    """In the runtime's signed 8 bits; bounds are less the zero point."""
    zero = operand.zero - TO_INT8
    scale = np.float32(values[operand.scale].item())
    return Grid("INT8", scale, zero, int(low) + zero, int(high) + zero)
