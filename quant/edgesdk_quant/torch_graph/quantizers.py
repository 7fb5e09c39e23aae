"""QuantizeLinear and DequantizeLinear as torch expressions."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor

from edgesdk_quant.graph import constant
from edgesdk_quant.torch_graph.call import Call, Expressions, Operands, Result
from edgesdk_quant.torch_graph.fake_quantize import clamp, fake_quantize, round_through


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
    low, high, shift = quantizer_range(call.node)
    if only_dequantized(call.node):
        return fake_quantize(x[0], x[1], low - shift, high - shift)
    return clamp(round_through(x[0] / x[1]).add_(shift), low, high)


def quantizer_range(quantizer: ir.Node) -> tuple[int, int, float]:
    """The least and the largest stored value, and the zero point."""
    zero = constant(quantizer.inputs[2]) if len(quantizer.inputs) > 2 else None
    limits = np.iinfo("uint8" if zero is None else zero.dtype.name)
    return int(limits.min), int(limits.max), 0.0 if zero is None else float(zero.reshape(-1)[0])


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


QUANTIZERS: Expressions = {
    "DequantizeLinear": _dequantize,
    "QuantizeLinear": _quantize,
}
