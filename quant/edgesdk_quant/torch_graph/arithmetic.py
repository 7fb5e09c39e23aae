"""Products, sums, norms and functions of elements, as torch expressions."""

from __future__ import annotations

import functools
import math

import torch
from torch.nn import functional

from edgesdk_quant.torch_graph.call import Call, Expressions, Operands, Result
from edgesdk_quant.torch_graph.fake_quantize import clamp
from edgesdk_runtimes.errors import UnsupportedError


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


def _reduce_mean(call: Call, x: Operands) -> Result:
    axes = call.constant(1) or list(range(x[0].ndim))
    return x[0].mean(dim=axes, keepdim=bool(call.number("keepdims", 1)))


def _reduce_sum(call: Call, x: Operands) -> Result:
    axes = call.constant(1) or list(range(x[0].ndim))
    return x[0].sum(dim=axes, keepdim=bool(call.number("keepdims", 1)))


def _reduce_max(call: Call, x: Operands) -> Result:
    axes = call.constant(1) or list(range(x[0].ndim))
    return x[0].amax(dim=[int(a) for a in axes], keepdim=bool(call.number("keepdims", 1)))


def _instance_norm(call: Call, x: Operands) -> Result:
    return functional.instance_norm(x[0], weight=x[1], bias=x[2], eps=call.number("epsilon", 1e-5))


def _softmax(call: Call, x: Operands) -> Result:
    return torch.softmax(x[0], dim=call.number("axis", -1))


def _gelu(call: Call, x: Operands) -> Result:
    return functional.gelu(x[0], approximate=str(call.number("approximate", "none")))


def _layer_norm(call: Call, x: Operands) -> Result:
    axis = call.number("axis", -1) % x[0].ndim
    bias = x[2] if len(x) > 2 else None
    return functional.layer_norm(x[0], x[0].shape[axis:], x[1], bias, call.number("epsilon", 1e-5))


def _cum_sum(call: Call, x: Operands) -> Result:
    if call.number("exclusive", 0) or call.number("reverse", 0):
        raise UnsupportedError(f"{call.node.name} sums from another side than torch does.")
    return torch.cumsum(x[0], dim=int(x[1]))


def _sqrt(call: Call, x: Operands) -> Result:
    """Its slope at 0 is infinite, and one quantized 0 would make all gradients NaN: 0 there."""
    is_zero = x[0] == 0
    return torch.where(is_zero, 0.0, torch.sqrt(torch.where(is_zero, 1.0, x[0])))


ARITHMETIC: Expressions = {
    "Abs": lambda call, x: torch.abs(x[0]),
    "Add": lambda call, x: x[0] + x[1],
    "And": lambda call, x: x[0] & x[1],
    "Clip": _clip,
    "Cos": lambda call, x: torch.cos(x[0]),
    "CumSum": _cum_sum,
    "Div": lambda call, x: x[0] / x[1],
    "Elu": lambda call, x: functional.elu(x[0], call.number("alpha", 1.0)),
    "Equal": lambda call, x: x[0] == x[1],
    "Erf": lambda call, x: torch.erf(x[0]),
    "Exp": lambda call, x: torch.exp(x[0]),
    "Gelu": _gelu,
    "Gemm": _gemm,
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
    "Min": lambda call, x: functools.reduce(torch.minimum, x),
    "Mul": lambda call, x: x[0] * x[1],
    "Neg": lambda call, x: -x[0],
    "Not": lambda call, x: ~x[0],
    "Or": lambda call, x: x[0] | x[1],
    "PRelu": lambda call, x: torch.where(x[0] >= 0, x[0], x[0] * x[1]),
    "Pow": lambda call, x: x[0] ** x[1],
    "Reciprocal": lambda call, x: 1 / x[0],
    "ReduceMax": _reduce_max,
    "ReduceMean": _reduce_mean,
    "ReduceSum": _reduce_sum,
    "Relu": lambda call, x: torch.relu(x[0]),
    "Sigmoid": lambda call, x: torch.sigmoid(x[0]),
    "Sin": lambda call, x: torch.sin(x[0]),
    "Softmax": _softmax,
    "Softplus": lambda call, x: functional.softplus(x[0]),
    "Sqrt": _sqrt,
    "Sub": lambda call, x: x[0] - x[1],
    "Tanh": lambda call, x: torch.tanh(x[0]),
    "Where": lambda call, x: torch.where(x[0], x[1], x[2]),
}
