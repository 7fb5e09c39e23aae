"""Loop and Scan whose number of turns is known before the run, unrolled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx.reference import ReferenceEvaluator

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import constant, scalar, static_shape
from edgesdk_quant.graph.opset import OPSET
from edgesdk_runtimes.base import Array

MOST_NODES = 8192  # of all turns together


def rewrite_loop(write: Composer, node: ir.Node, most: int = MOST_NODES) -> bool:
    """Loop, if its condition depends on constants only; `most`: nodes of all turns."""
    body = node.attributes["body"].as_graph()
    turns = _turns(node, body)
    states: Sequence[ir.Value | None] = node.inputs[2:]
    parts = len(body.outputs) - len(node.inputs) + 1
    if turns is None or turns * len(body) > most or (parts and not turns):
        return _fix_shapes(node, body)
    rows: list[list[ir.Value]] = []
    for turn in range(turns):
        given = [write.value(np.array(turn)), write.value(np.array(True)), *states]
        results = write.inline(body, given)[1:]
        states, row = results[: len(states)], results[len(states) :]
        rows.append([write("Unsqueeze", value, [0]) for value in row])
    stacked = [write("Concat", *column, axis=0) for column in zip(*rows, strict=True)]
    write.replace(*(write("Identity", v) for v in states), *stacked)
    return True


def _fix_shapes(node: ir.Node, body: ir.Graph) -> bool:
    """States that come out of a turn as they went in have one shape throughout.

    ONNX's inference does not assume it; where it does not hold, the lowering finds out.
    """
    changed = False
    for before, inside in zip(node.inputs[2:], body.inputs[2:], strict=True):
        if before is not None and static_shape(inside) != static_shape(before):
            inside.shape, inside.type = before.shape, before.type
            changed = True
    for before, after, output in zip(node.inputs[2:], body.outputs[1:], node.outputs, strict=False):
        same = before is not None and static_shape(before) == static_shape(after) is not None
        if same and before is not None and static_shape(output) is None:
            output.shape = before.shape
            changed = True
    return changed


def _turns(node: ir.Node, body: ir.Graph) -> int | None:
    """How often the body runs; None if that is known at run time only."""
    limit, condition = node.inputs[0], node.inputs[1]
    most = None if limit is None else scalar(limit)
    first = True if condition is None else scalar(condition)
    if first is None or (limit is not None and most is None):
        return None
    if not first:
        return 0
    program = _condition(node, body)
    if program is None:
        return None
    return _count(program, most)


def _count(program: tuple[onnx.ModelProto, list[Array]], most: float | None) -> int | None:
    """Evaluate the condition turn by turn."""
    model, states = program
    evaluator = ReferenceEvaluator(model)
    names = [value.name for value in model.graph.input]
    turn, go = 0, True
    while go and (most is None or turn < most):
        if turn == MOST_NODES:
            return None
        feeds = [np.array(turn), np.array(True), *states]
        results: Any = evaluator.run(None, dict(zip(names, feeds, strict=True)))
        go, states = bool(results[0]), list(results[1:])
        turn += 1
    return turn


def _condition(node: ir.Node, body: ir.Graph) -> tuple[onnx.ModelProto, list[Array]] | None:
    """The part of the body that decides whether to go on, and the states that it starts from.

    Returns:
        A model from (turn, condition, states) to (condition, states), and the states' values;
        None if something in it is computed at run time.
    """
    nodes, leaves, states = _deciding(node, body)
    initial = [constant(node.inputs[2 + i]) for i in states]
    held = {str(leaf.name): constant(leaf) for leaf in leaves}
    if any(array is None for array in (*initial, *held.values())):
        return None
    inputs = [*body.inputs[:2], *(body.inputs[2 + i] for i in states)]
    outputs = [body.outputs[0], *(body.outputs[1 + i] for i in states)]
    formal, results = (
        [onnx.helper.make_value_info(str(v.name), onnx.TypeProto()) for v in values]
        for values in (inputs, outputs)
    )
    constants = [onnx.numpy_helper.from_array(a, name) for name, a in held.items() if a is not None]
    graph = onnx.helper.make_graph(
        [ir.to_proto(n) for n in body if n in nodes], "condition", formal, results, constants
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)])
    return model, [array for array in initial if array is not None]


def _deciding(node: ir.Node, body: ir.Graph) -> tuple[set[ir.Node], list[ir.Value], list[int]]:
    """Nodes of the body that the condition needs, values from outside, and states."""
    nodes: set[ir.Node] = set()
    leaves: list[ir.Value] = []
    states: list[int] = []
    wanted: list[ir.Value | None] = [body.outputs[0]]
    while wanted:
        value = wanted.pop()
        if value is None:
            continue
        producer = value.producer()
        if value in body.inputs:
            index = body.inputs.index(value) - 2
            if index >= 0 and index not in states:
                states.append(index)
                wanted.append(body.outputs[1 + index])
        elif producer is not None and producer.graph is body:
            if producer not in nodes:
                nodes.add(producer)
                wanted.extend(producer.inputs)
        elif value not in leaves:
            leaves.append(value)
    return nodes, leaves, states


def rewrite_scan(write: Composer, node: ir.Node, most: int = MOST_NODES) -> bool:
    """Scan: the body runs once for each slice of its scanned inputs; `most`: nodes of all turns."""
    body, scanned = (
        node.attributes["body"].as_graph(),
        node.attributes.get_int("num_scan_inputs", 0),
    )
    states: Sequence[ir.Value | None] = node.inputs[:-scanned]
    series = node.inputs[-scanned:]
    in_axes = node.attributes.get_ints("scan_input_axes", [0] * scanned)
    in_back = node.attributes.get_ints("scan_input_directions", [0] * scanned)
    shape = static_shape(series[0])
    if shape is None or shape[in_axes[0]] * len(body) > most:
        return False
    turns, rows = shape[in_axes[0]], []
    for turn in range(turns):
        slices = [
            write("Gather", x, np.array(turns - 1 - turn if back else turn), axis=axis)
            for x, axis, back in zip(series, in_axes, in_back, strict=True)
        ]
        results = write.inline(body, [*states, *slices])
        states, row = results[: len(states)], results[len(states) :]
        rows.append(row)
    stacked = _stack(write, node, rows)
    write.replace(*(write("Identity", v) for v in states), *stacked)
    return True


def _stack(write: Composer, node: ir.Node, rows: Sequence[Sequence[ir.Value]]) -> list[ir.Value]:
    count = len(rows[0])
    axes = node.attributes.get_ints("scan_output_axes", [0] * count)
    backwards = node.attributes.get_ints("scan_output_directions", [0] * count)
    stacked = []
    for i, (axis, back) in enumerate(zip(axes, backwards, strict=True)):
        column = [write("Unsqueeze", row[i], [axis]) for row in rows]
        stacked.append(write("Concat", *(column[::-1] if back else column), axis=axis))
    return stacked


RULES = {"Loop": rewrite_loop, "Scan": rewrite_scan}
