"""If -> IF and Loop -> WHILE, their graphs as subgraphs that take what they capture as inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgesdk.export.tflite.scope import Scope
from edgesdk.export.tflite.tensors import Place, static_shape
from edgesdk_quant.graph import constant
from edgesdk_quant.graph import static_shape as known_shape
from edgesdk_quant.tflite.model import Subgraph
from edgesdk_runtimes.errors import UnsupportedError


def lower_if(scope: Scope, node: ir.Node) -> None:
    """Both branches get the values of both; each returns them in the ONNX order of dimensions."""
    condition = _value(node, 0)
    branches = [node.attributes[name].as_graph() for name in ("then_branch", "else_branch")]
    captured = _captured(branches)
    operands = [scope.place(value, integer=False) for value in captured]
    numbers = []
    for branch in branches:
        child = _child(scope, branch, captured, operands)
        outputs = [_returned(child, value) for value in branch.outputs]
        numbers.append(_add(scope, child, captured, outputs))
    inputs = [scope.tensor(condition, integer=False), *(place.tensor for place in operands)]
    results = [scope.result(output, integer=False) for output in node.outputs]
    then, other = numbers
    scope.out.emit("IF", inputs, results, then_subgraph_index=then, else_subgraph_index=other)


def lower_loop(scope: Scope, node: ir.Node) -> None:
    """A loop over (turn, go, states, captured values) whose sizes stay as they are."""
    body, states = node.attributes["body"].as_graph(), [_value(node, i) for i in _states(node)]
    if len(body.outputs) != 1 + len(states):
        raise UnsupportedError("the number of turns is computed at run time and results pile up")
    for before, after in zip(states, body.outputs[1:], strict=True):
        if known_shape(before) is None or known_shape(before) != known_shape(after):
            raise UnsupportedError(f"the size of {before.name} changes from turn to turn")
    limit = node.inputs[0]
    outer = _captured([body], *([limit] if limit is not None else []))
    operands = [scope.place(value, integer=False) for value in outer]
    inputs = [
        scope.out.constant(f"{node.name}_turn", np.zeros((), np.int64)),
        _condition(scope, node),
        *(scope.tensor(value, integer=False) for value in states),
        *(place.tensor for place in operands),
    ]
    formal = [*body.inputs[:2], *body.inputs[2:]]
    numbers = [
        make(scope, body, formal, outer, operands, limit)
        for make in (_test_subgraph, _turn_subgraph)
    ]
    results = [
        scope.out.like(f"{node.name}_{i}", inputs[i], scope.out.shape(inputs[i])) for i in (0, 1)
    ]
    results += [scope.result(output, integer=False) for output in node.outputs]
    results += [
        scope.out.like(f"{v.name}_after", p.tensor, scope.out.shape(p.tensor))
        for v, p in zip(outer, operands, strict=True)
    ]
    test, turn = numbers
    scope.out.emit("WHILE", inputs, results, cond_subgraph_index=test, body_subgraph_index=turn)


def _states(node: ir.Node) -> range:
    return range(2, len(node.inputs))


def _value(node: ir.Node, index: int) -> ir.Value:
    value = node.inputs[index]
    if value is None:
        raise UnsupportedError("an operand is left out")
    return value


def _condition(scope: Scope, node: ir.Node) -> int:
    given = node.inputs[1]
    if given is None:
        return scope.out.constant(f"{node.name}_go", np.ones((), bool))
    return scope.tensor(given, integer=False)


def _test_subgraph(
    scope: Scope,
    body: ir.Graph,
    formal: Sequence[ir.Value],
    outer: Sequence[ir.Value],
    operands: Sequence[Place],
    limit: ir.Value | None,
) -> int:
    """Whether to take another turn: the condition holds and the limit is not reached."""
    child = _child(scope, body, outer, operands, formal)
    turn, go = (child.places[value].tensor for value in formal[:2])
    if limit is None:
        most = child.out.constant("limit", np.array(np.iinfo(np.int64).max))
    else:
        most = child.tensor(limit, integer=False)
    shape = child.out.shape(most)
    below = child.out.add("below", "BOOL", shape)
    child.out.emit("LESS", [turn, most], [below])
    result = child.out.add("again", "BOOL", shape)
    child.out.emit("LOGICAL_AND", [below, go], [result])
    return _add(scope, child, [*formal, *outer], [result])


def _turn_subgraph(
    scope: Scope,
    body: ir.Graph,
    formal: Sequence[ir.Value],
    outer: Sequence[ir.Value],
    operands: Sequence[Place],
    limit: ir.Value | None,
) -> int:
    """One turn: the counter goes on, the states change, the captured values stay."""
    child = _child(scope, body, outer, operands, formal)
    turn = child.places[formal[0]].tensor
    one = child.out.constant("one", np.ones((), np.int64))
    following = child.out.like("following_turn", turn, ())
    child.out.emit("ADD", [turn, one], [following], fused_activation_function="NONE")
    changed = [_returned(child, value) for value in body.outputs]
    kept = [_copied(child, child.places[value].tensor) for value in outer]
    return _add(scope, child, [*formal, *outer], [following, *changed, *kept])


def _captured(graphs: Sequence[ir.Graph], *more: ir.Value) -> list[ir.Value]:
    """Values from outside that nested graphs read at run time, each once."""
    found: dict[ir.Value, None] = dict.fromkeys(v for v in more if not _is_held(v))
    for graph in graphs:
        nodes = list(graph.all_nodes())
        own = {output for node in nodes for output in node.outputs} | set(graph.inputs)
        own |= {v for node in nodes for nested in _graphs(node) for v in nested.inputs}
        for value in (*(v for node in nodes for v in node.inputs), *graph.outputs):
            if value is not None and value not in own and not _is_held(value):
                found[value] = None
    return list(found)


def _graphs(node: ir.Node) -> list[ir.Graph]:
    kinds = ir.AttributeType
    return [a.as_graph() for a in node.attributes.values() if a.type == kinds.GRAPH]


def _is_held(value: ir.Value) -> bool:
    """Whether a value is constant, as it is or behind a DequantizeLinear."""
    producer = value.producer()
    if producer is not None and producer.op_type == "DequantizeLinear":
        return constant(producer.inputs[0]) is not None
    return constant(value) is not None


def _child(
    scope: Scope,
    graph: ir.Graph,
    captured: Sequence[ir.Value],
    operands: Sequence[Place],
    formal: Sequence[ir.Value] = (),
) -> Scope:
    """A scope for a nested graph whose inputs are declared: formal ones, then captured ones."""
    child = Scope(graph, scope.program)
    for value in formal:
        shape = static_shape(value)
        child.declare(value, tuple(range(len(shape))))
    for value, place in zip(captured, operands, strict=True):
        child.declare(value, place.permutation)
    return child


def _returned(child: Scope, value: ir.Value) -> int:
    """A result in the ONNX order, never an input or constant itself."""
    child.finish()
    rank = len(static_shape(value))
    tensor = child.arranged(value, child.place(value, integer=False), tuple(range(rank)))
    return _copied(child, tensor) if child.is_given(tensor) else tensor


def _copied(child: Scope, tensor: int) -> int:
    copy = child.out.like(f"{child.out.tensors[tensor].name}_copy", tensor, child.out.shape(tensor))
    child.reshape(tensor, copy)
    return copy


def _add(scope: Scope, child: Scope, inputs: Sequence[ir.Value], outputs: Sequence[int]) -> int:
    """Put the finished subgraph into the file; its number."""
    tensors = tuple(child.places[value].tensor for value in inputs)
    scope.program.subgraphs.append(
        Subgraph(
            f"subgraph_{len(scope.program.subgraphs) + 1}",
            tuple(child.out.tensors),
            tuple(child.out.operators),
            tensors,
            tuple(outputs),
        )
    )
    return len(scope.program.subgraphs)


LOWERINGS = {"If": lower_if, "Loop": lower_loop}
