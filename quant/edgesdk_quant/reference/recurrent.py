"""UNIDIRECTIONAL_SEQUENCE_LSTM: one layer, without peepholes, projection or layer norm.

Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000; the integer form is that of
docs/NUMERICS.md, "The integer LSTM".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgesdk_quant import fixed16
from edgesdk_quant.numerics import Grid, multiply_fixed
from edgesdk_quant.reference.context import Context, grid_of
from edgesdk_quant.reference.linear import real_weights
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

f32 = np.float32
INPUT, FORGET, CELL, OUTPUT = range(4)  # order of the gates in the inputs
WEIGHTS, RECURRENT, BIAS, HIDDEN_STATE, CELL_STATE = 1, 5, 12, 18, 19
REFUSED = {
    "peepholes": (9, 10, 11),
    "a projection": (16, 17),
    "layer normalization": (20, 21, 22, 23),
}
HIDDEN_INTERMEDIATE = 4
Step = Callable[[Array, Array, Array], tuple[Array, Array]]
"""(x [B, I], hidden [B, U], cell [B, U]) -> the next hidden and cell."""


def sequence_lstm(context: Context) -> list[Array]:
    """Take x [B, T, I], or [T, B, I] when time_major -> hidden [B, T, U] or [T, B, U]."""
    for what, inputs in REFUSED.items():
        if any(context.has(i) for i in inputs):
            raise UnsupportedError(f"an LSTM with {what} is not computed; only plain layers are")
    if context.text("fused_activation_function") != "TANH":
        raise UnsupportedError("an LSTM with another activation than TANH is not computed")
    time = 0 if context.integer("time_major") else 1
    step = _integer_step(context) if context.quantized else _float_step(context)
    hidden, cell = context.value(HIDDEN_STATE), context.value(CELL_STATE)
    outputs = []
    for x in np.moveaxis(context.value(0), time, 0):
        hidden, cell = step(x, hidden, cell)
        outputs.append(hidden)
    context.keep(HIDDEN_STATE, hidden)
    context.keep(CELL_STATE, cell)
    return [np.stack(outputs, axis=time)]


def _gates(context: Context) -> list[int]:
    """Gates that the layer has; without an input gate it is 1 - forget."""
    return [gate for gate in (INPUT, FORGET, CELL, OUTPUT) if context.has(WEIGHTS + gate)]


def _float_step(context: Context) -> Step:
    gates, clip = _gates(context), context.number("cell_clip")
    stored = {
        gate: [
            real_weights(context.tensor(first + gate), context.value(first + gate))
            for first in (WEIGHTS, RECURRENT)
        ]
        for gate in gates
    }
    bias = {gate: context.value(BIAS + gate) for gate in gates}

    def step(x: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
        sums = {g: x @ stored[g][0].T + hidden @ stored[g][1].T + bias[g] for g in gates}
        forget, output = (_sigmoid(sums[g]) for g in (FORGET, OUTPUT))
        update = _sigmoid(sums[INPUT]) if INPUT in gates else 1 - forget
        cell = forget * cell + update * np.tanh(sums[CELL])
        cell = np.clip(cell, -clip, clip) if clip > 0 else cell
        return (output * np.tanh(cell)).astype(f32), cell.astype(f32)

    return step


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _integer_step(context: Context) -> Step:
    gates = _gates(context)
    cell_grid, hidden_grid = context.grid(CELL_STATE), _hidden_grid(context)
    power = round(float(np.log2(cell_grid.scale)))
    clip = int(context.number("cell_clip") / float(cell_grid.scale))
    limit = min(clip, fixed16.HIGH) if clip > 0 else None

    def step(x: Array, hidden: Array, cell: Array) -> tuple[Array, Array]:
        sums = {gate: _gate(context, gate, x, hidden) for gate in gates}
        forget, output = (fixed16.sigmoid(sums[g]) for g in (FORGET, OUTPUT))
        update = fixed16.sigmoid(sums[INPUT]) if INPUT in gates else fixed16.HIGH - forget
        kept = fixed16.round_shift(forget * cell.astype(np.int64), 15)
        added = fixed16.round_shift(update * fixed16.tanh(sums[CELL]), 30 + power)
        new = fixed16.saturate(kept + added)
        new = new if limit is None else np.clip(new, -limit, limit)
        squashed = output * fixed16.tanh(new, 15 + power)
        hidden = multiply_fixed(squashed, 2.0**-30 / float(hidden_grid.scale))
        return hidden_grid.clamp(hidden + hidden_grid.zero_point), new.astype(np.int16)

    return step


def _hidden_grid(context: Context) -> Grid:
    """Grid of the hidden state: scale and zero point of intermediate 4, type of the output."""
    tensor = context.tensors[context.operator.intermediates[HIDDEN_INTERMEDIATE]]
    scheme = tensor.quantization
    if scheme is None:
        raise UnsupportedError("an integer LSTM without the scale of its hidden intermediate")
    grid = grid_of(context.result())
    return replace(grid, scale=f32(scheme.scale[0]), zero_point=int(scheme.zero_point[0]))


def _gate(context: Context, gate: int, x: Array, hidden: Array) -> Array:
    """Sum of a gate in units of 2^-12, int64 within int16."""
    bias = context.value(BIAS + gate).astype(np.int64)
    from_input = fixed16.saturate(_scaled(context, x, 0, WEIGHTS + gate, bias))
    from_hidden = _scaled(context, hidden, HIDDEN_STATE, RECURRENT + gate, None)
    return fixed16.saturate(from_input + from_hidden)


def _scaled(context: Context, x: Array, source: int, weights: int, bias: Array | None) -> Array:
    grid = context.grid(source)
    total = (x.astype(np.float64) - grid.zero_point) @ context.value(weights).T.astype(np.float64)
    exact = total.astype(np.int64) + (0 if bias is None else bias)
    scale = f32(context.grid(weights).scale * grid.scale) / f32(2.0**-12)
    return multiply_fixed(exact, float(scale))


OPERATORS = {"UNIDIRECTIONAL_SEQUENCE_LSTM": sequence_lstm}
