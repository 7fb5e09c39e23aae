"""LSTM, GRU and RNN unrolled over their steps.

Not TFLite's UNIDIRECTIONAL_SEQUENCE_LSTM: that one keeps its state from run to run, where ONNX
starts from the given one, and it does not give its cell state away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import constant, static_shape
from edgesdk_quant.graph.rewrite import input_at
from edgesdk_runtimes.errors import UnsupportedError

MOST_STEPS = 512
ACTIVATIONS = frozenset(
    {"Elu", "HardSigmoid", "LeakyRelu", "Relu", "Sigmoid", "Softplus", "Softsign", "Tanh"}
)
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
State = tuple[ir.Value, ...]  # (h,) or (h, c), each [batch, hidden]


@dataclass(frozen=True)
class Cell:
    """One direction of a recurrent node.

    Attributes:
        write: writes nodes.
        node: the node.
        activations: operators f, g, h of the standard.
        recurrence: R transposed: [hidden, gates * hidden].
        bias: W and R halves of B, [2, gates * hidden] as two values; None without a bias.
        peepholes: input, output and forget weights [hidden] of an LSTM, or none.
    """

    write: Composer
    node: ir.Node
    activations: Sequence[str]
    recurrence: ir.Value
    bias: tuple[ir.Value, ir.Value] | None
    peepholes: Sequence[ir.Value]

    def gates(self, *parts: ir.Value) -> list[ir.Value]:
        """The sum of the parts [batch, n * hidden], cut into n gates."""
        total = parts[0]
        for part in parts[1:]:
            total = self.write("Add", total, part)
        return self.cut(total)

    def cut(self, gates: ir.Value) -> list[ir.Value]:
        count = GATES[self.node.op_type]
        if count == 1:
            return [gates]
        return list(self.write.several("Split", gates, outputs=count, axis=1, num_outputs=count))

    def activate(self, index: int, x: ir.Value) -> ir.Value:
        clip = self.node.attributes.get_float("clip", 0.0)
        bounded = self.write("Clip", x, -float(clip), float(clip)) if clip else x
        return self.write(self.activations[index], bounded)


def _lstm(cell: Cell, x: ir.Value, state: State) -> State:
    """Gates i, o, f, c; peepholes and coupled gates as in the operator's definition."""
    write, (h, c) = cell.write, state
    i, o, f, g = cell.gates(x, write("MatMul", h, cell.recurrence))
    if cell.peepholes:
        i = write("Add", i, write("Mul", cell.peepholes[0], c))
        f = write("Add", f, write("Mul", cell.peepholes[2], c))
    i = cell.activate(0, i)
    coupled = cell.node.attributes.get_int("input_forget", 0)
    f = write("Sub", 1.0, i) if coupled else cell.activate(0, f)
    c = write("Add", write("Mul", f, c), write("Mul", i, cell.activate(1, g)))
    if cell.peepholes:
        o = write("Add", o, write("Mul", cell.peepholes[1], c))
    return write("Mul", cell.activate(0, o), write(cell.activations[2], c)), c


def _gru(cell: Cell, x: ir.Value, state: State) -> State:
    """Gates z, r, h (Cho et al. 2014); with linear_before_reset as cuDNN computes it."""
    write, (h,) = cell.write, state
    xz, xr, xh = cell.cut(x)
    if cell.node.attributes.get_int("linear_before_reset", 0):
        product = write("MatMul", h, cell.recurrence)
        biased = product if cell.bias is None else write("Add", product, cell.bias[1])
        hz, hr, hh = cell.cut(biased)
        reset = cell.activate(0, write("Add", xr, hr))
        candidate = write("Mul", reset, hh)
    else:
        hidden = (static_shape(cell.node.inputs[2]) or (0, 0, 0))[2]
        rz, rr, rh = _parts(write, cell.recurrence, 3, hidden, axis=1)
        hz, hr = write("MatMul", h, rz), write("MatMul", h, rr)
        reset = cell.activate(0, write("Add", xr, hr))
        candidate = write("MatMul", write("Mul", reset, h), rh)
    z = cell.activate(0, write("Add", xz, hz))
    new = cell.activate(1, write("Add", xh, candidate))
    kept = write("Mul", z, h)
    return (write("Add", write("Mul", write("Sub", 1.0, z), new), kept),)


def _rnn(cell: Cell, x: ir.Value, state: State) -> State:
    (h,) = state
    return (cell.activate(0, cell.gates(x, cell.write("MatMul", h, cell.recurrence))[0]),)


STEPS: dict[str, Callable[[Cell, ir.Value, State], State]] = {
    "LSTM": _lstm,
    "GRU": _gru,
    "RNN": _rnn,
}


def rewrite_recurrent(write: Composer, node: ir.Node) -> bool:
    """Unroll every direction."""
    shape = static_shape(node.inputs[0])
    if shape is None:
        return False
    batch_first = bool(node.attributes.get_int("layout", 0))
    steps, batch = (shape[1], shape[0]) if batch_first else (shape[0], shape[1])
    activations = _check(node, steps)
    x = write("Transpose", node.inputs[0], perm=[1, 0, 2]) if batch_first else node.inputs[0]
    ways = node.attributes.get_string("direction", "forward")
    backwards = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[ways]
    per_way = len(DEFAULTS[node.op_type])
    results = [
        _direction(
            write, node, x, way, backward, activations[way * per_way :][:per_way], (steps, batch)
        )
        for way, backward in enumerate(backwards)
    ]
    joined = [
        parts[0] if len(parts) == 1 else write("Concat", *parts, axis=axis)
        for parts, axis in zip(zip(*results, strict=True), (1, 0, 0), strict=False)
    ]
    if batch_first:
        orders = ([2, 0, 1, 3], [1, 0, 2], [1, 0, 2])
        joined = [write("Transpose", v, perm=o) for v, o in zip(joined, orders, strict=False)]
    write.replace(*joined)
    return True


def _check(node: ir.Node, steps: int) -> list[str]:
    """The activations of all directions.

    Raises:
        UnsupportedError: a form that is not unrolled.
    """
    lengths = input_at(node, 4)
    held = constant(lengths)
    if lengths is not None and (held is None or (held != steps).any()):
        raise UnsupportedError("sequences of several lengths")
    if steps > MOST_STEPS:
        raise UnsupportedError(f"{steps} steps; at most {MOST_STEPS} are unrolled")
    ways = 2 if node.attributes.get_string("direction", "forward") == "bidirectional" else 1
    names = list(node.attributes.get_strings("activations", DEFAULTS[node.op_type] * ways))
    unknown = sorted(set(names) - ACTIVATIONS)
    if unknown or "activation_alpha" in node.attributes:
        raise UnsupportedError(f"activations {', '.join(unknown) or 'with alpha'}")
    return names


def _direction(
    write: Composer,
    node: ir.Node,
    x: ir.Value | None,
    way: int,
    backward: bool,
    activations: Sequence[str],
    sizes: tuple[int, int],
) -> list[ir.Value]:
    """Y [steps, 1, batch, hidden] and the last states [1, batch, hidden] of one direction."""
    steps, batch = sizes
    cell = _cell(write, node, way, activations)
    hidden = node.attributes.get_int("hidden_size", (static_shape(node.inputs[2]) or (0, 0, 0))[2])
    weight = write("Transpose", _of_way(write, node.inputs[1], way), perm=[1, 0])
    flat = write("Reshape", x, [steps * batch, -1])
    product = write("MatMul", flat, weight)
    for half in _halves(cell):
        product = write("Add", product, half)
    inputs = _rows(write, product, steps)
    state = tuple(
        _initial(write, node, index, way, (batch, hidden))
        for index in ((5, 6) if node.op_type == "LSTM" else (5,))
    )
    outputs: list[ir.Value] = [state[0]] * steps
    for step in reversed(range(steps)) if backward else range(steps):
        state = STEPS[node.op_type](cell, inputs[step], state)
        outputs[step] = state[0]
    rows = outputs[0] if steps == 1 else write("Concat", *outputs, axis=0)
    sequence = write("Reshape", rows, [steps, 1, batch, hidden])
    return [sequence, *(write("Reshape", part, [1, batch, hidden]) for part in state)]


def _halves(cell: Cell) -> Sequence[ir.Value]:
    """The parts of the bias that can be added to W x; cuDNN's GRU needs R's half apart."""
    if cell.bias is None:
        return ()
    apart = cell.node.attributes.get_int("linear_before_reset", 0)
    return cell.bias[:1] if apart and cell.node.op_type == "GRU" else cell.bias


def _rows(write: Composer, product: ir.Value, steps: int) -> Sequence[ir.Value]:
    if steps == 1:
        return [product]
    return write.several("Split", product, outputs=steps, axis=0, num_outputs=steps)


def _cell(write: Composer, node: ir.Node, way: int, activations: Sequence[str]) -> Cell:
    recurrence = write("Transpose", _of_way(write, node.inputs[2], way), perm=[1, 0])
    bias, peephole = input_at(node, 3), input_at(node, 7) if node.op_type == "LSTM" else None
    halves = _cut(write, bias, way, 2)
    return Cell(
        write,
        node,
        activations,
        recurrence,
        (halves[0], halves[1]) if halves else None,
        _cut(write, peephole, way, 3),
    )


def _cut(write: Composer, value: ir.Value | None, way: int, parts: int) -> Sequence[ir.Value]:
    shape = static_shape(value)
    if value is None or shape is None:
        return ()
    return _parts(write, _of_way(write, value, way), parts, shape[1] // parts, axis=0)


def _parts(
    write: Composer, value: ir.Value, count: int, size: int, axis: int
) -> Sequence[ir.Value]:
    """Parts of one size; Slice, because the constant folder leaves Split alone."""
    return [write("Slice", value, [i * size], [(i + 1) * size], [axis]) for i in range(count)]


def _of_way(write: Composer, value: ir.Value | None, way: int) -> ir.Value:
    """A parameter [directions, ...] of one direction."""
    return write("Gather", value, np.array(way), axis=0)


def _initial(
    write: Composer, node: ir.Node, index: int, way: int, sizes: tuple[int, int]
) -> ir.Value:
    """The state [batch, hidden] before the first step; zeros where none is given."""
    given = input_at(node, index)
    if given is None:
        return write("Identity", np.zeros(sizes, np.float32))
    batch_first = node.attributes.get_int("layout", 0)
    return write("Gather", given, np.array(way), axis=1 if batch_first else 0)


RULES = dict.fromkeys(GATES, rewrite_recurrent)
