"""Multiply-accumulates of an operator, from the shapes of what it reads and writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

Sizes: TypeAlias = tuple[int, ...]
# Shapes of the operands and of the first output. A rule fails with a TypeError or IndexError where
# one that it needs is unknown or too short.
Rule: TypeAlias = Callable[[Sequence[Sizes], Sizes], int]


def _per_output(weight: int, kept: slice) -> Rule:
    """Each output element sums over these dimensions of the weights."""
    return lambda operands, output: math.prod(output) * math.prod(operands[weight][kept])


def _per_input(data: int, weight: int, kept: slice) -> Rule:
    """Each input element is multiplied with these dimensions of the weights (transposed conv)."""
    return lambda operands, output: math.prod(operands[data]) * math.prod(operands[weight][kept])


def _inner(data: int) -> Rule:
    """A matrix product: each output element sums over the last dimension of the data."""
    return lambda operands, output: math.prod(output) * operands[data][-1]


def _gemm(operands: Sequence[Sizes], output: Sizes) -> int:
    """[..., M, K] x [..., K, N], either of them transposed: K is what [M, N] does not have."""
    matrices = [shape[-2:] for shape in (operands[0], operands[1], output)]
    return math.prod(output[:-2]) * math.isqrt(math.prod(map(math.prod, matrices)))


def _recurrent(operands: Sequence[Sizes], output: Sizes) -> int:
    """ONNX LSTM, GRU, RNN: X [time, batch, in], W [directions, gates * H, in], R likewise."""
    steps = math.prod(operands[0][:2])
    return steps * (math.prod(operands[1]) + math.prod(operands[2]))


def _tflite_lstm(operands: Sequence[Sizes], output: Sizes) -> int:
    """Input [batch, time, in]; operands 1 to 8 and 16 are weight matrices."""
    matrices = [m for m in (*operands[1:9], *operands[16:17]) if m is not None]
    return math.prod(operands[0][:2]) * sum(math.prod(m) for m in matrices)


RULES: Mapping[str, Rule] = {
    # ONNX: Conv weights [O, I / groups, ...], ConvTranspose weights [I, O / groups, ...]
    "Conv": _per_output(1, slice(1, None)),
    "ConvInteger": _per_output(1, slice(1, None)),
    "QLinearConv": _per_output(3, slice(1, None)),
    "ConvTranspose": _per_input(0, 1, slice(1, None)),
    "Gemm": _gemm,
    "MatMul": _inner(0),
    "MatMulInteger": _inner(0),
    "QLinearMatMul": _inner(0),
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
    # TFLite: CONV_2D [O, h, w, I], DEPTHWISE [1, h, w, C], CONV_3D [d, h, w, I, O]
    "CONV_2D": _per_output(1, slice(1, None)),
    "CONV_3D": _per_output(1, slice(0, -1)),
    "DEPTHWISE_CONV_2D": _per_output(1, slice(1, 3)),
    "FULLY_CONNECTED": _per_output(1, slice(1, None)),
    "TRANSPOSE_CONV": _per_input(2, 1, slice(0, 3)),
    "BATCH_MATMUL": _gemm,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _tflite_lstm,
}


def macs(op: str, operands: Sequence[Sizes | None], output: Sizes | None) -> int:
    """Multiply-accumulates of one run.

    Args:
        op: ONNX or TFLite operator.
        operands: shapes of its inputs in order, constants included; None for one that is left
            out or unknown.
        output: shape of its first output.

    Returns:
        0 for operators without a matrix product, and where a shape that is needed is unknown.
    """
    rule = RULES.get(op)
    if rule is None:
        return 0
    try:
        return rule(cast(Sequence[Sizes], operands), cast(Sizes, output))
    except (TypeError, IndexError):
        return 0
