"""Run a TFLite model in numpy, operator by operator, keeping every tensor on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgesdk_quant.reference import (
    choice,
    control,
    elementwise,
    linear,
    movement,
    recurrent,
    reduction,
)
from edgesdk_quant.reference.context import Context
from edgesdk_quant.reference.state import State, start_of
from edgesdk_quant.tflite.model import Model, Operator, Subgraph
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import ModelError, UnsupportedError

OPERATORS: Mapping[str, Callable[[Context], list[Array]]] = {
    **choice.OPERATORS,
    **control.OPERATORS,
    **elementwise.OPERATORS,
    **linear.OPERATORS,
    **movement.OPERATORS,
    **recurrent.OPERATORS,
    **reduction.OPERATORS,
}


class Interpreter:
    """The semantics of docs/NUMERICS.md, independent of the C library.

    Attributes:
        state: what the model keeps from run to run; assign State() to start anew.
    """

    def __init__(self, model: Model) -> None:
        """Take a model.

        Raises:
            UnsupportedError: names every operator that is missing here.
        """
        self._graphs = model.subgraphs
        used = {op.code for number in _reachable(model) for op in self._graphs[number].operators}
        missing = sorted(used - set(OPERATORS))
        if missing:
            raise UnsupportedError(
                f"the interpreter lacks {', '.join(missing)}; run the model on another runtime"
            )
        self.graph: Subgraph = self._graphs[0]
        self.state = State()
        self._constants = [_constants(graph) for graph in self._graphs]
        self._dying = [_last_uses(graph) for graph in self._graphs]

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Run once.

        Args:
            arrays: one for each input, of its dtype and shape.

        Returns:
            One array for each output.

        Raises:
            ModelError: an operator cannot be computed on these values; the message names it.
        """
        return [np.array(value) for value in self._run_graph(0, arrays)]

    def tensors(self, arrays: Sequence[Array]) -> dict[str, Array]:
        """Run once and return every tensor that is no constant, by name, as stored."""
        values = self._values(0, arrays, keep=True)
        names = self.graph.tensors
        return {names[i].name: v for i, v in values.items() if i not in self._constants[0]}

    def _run_graph(self, number: int, arrays: Sequence[Array]) -> list[Array]:
        values = self._values(number, arrays, keep=False)
        return [values[i] for i in self._graphs[number].outputs]

    def _values(self, number: int, arrays: Sequence[Array], *, keep: bool) -> dict[int, Array]:
        graph = self._graphs[number]
        values: dict[int, Array] = {**self._constants[number], **self._cells(number)}
        values.update(zip(graph.inputs, arrays, strict=True))
        for position, operator in enumerate(graph.operators):
            context = Context(operator, graph.tensors, values, number, self.state, self._run_graph)
            values.update(zip(operator.outputs, _compute(context, position), strict=True))
            if not keep:
                for tensor in self._dying[number].get(position, ()):
                    values.pop(tensor, None)
        return values

    def _cells(self, number: int) -> dict[int, Array]:
        """Variable tensors as the last run left them."""
        return {
            i: self.state.cells.get((number, i), start_of(tensor))
            for i, tensor in enumerate(self._graphs[number].tensors)
            if tensor.is_variable
        }


def _compute(context: Context, position: int) -> list[Array]:
    operator = context.operator
    try:
        return OPERATORS[operator.code](context)
    except (ValueError, IndexError, KeyError) as error:
        output = context.result().name if operator.outputs else ""
        raise ModelError(
            f"{operator.code} (operator {position} of subgraph {context.graph}, output "
            f"{output!r}) cannot be computed: {error}"
        ) from error


def _reachable(model: Model) -> set[int]:
    """Subgraphs that the main one can run; a file may hold other signatures beside it."""
    found: set[int] = set()
    pending = [0]
    while pending:
        number = pending.pop()
        if number in found:
            continue
        found.add(number)
        for operator in model.subgraphs[number].operators:
            options = operator.options.items()
            pending += [
                value
                for name, value in options
                if name.endswith("subgraph_index") and isinstance(value, int)
            ]
    return found


def _constants(graph: Subgraph) -> dict[int, Array]:
    return {i: tensor.data for i, tensor in enumerate(graph.tensors) if tensor.data is not None}


def _last_uses(graph: Subgraph) -> dict[int, list[int]]:
    """Position of an operator -> activations that nothing reads after it."""
    last: dict[int, int] = {}
    for position, operator in enumerate(graph.operators):
        last.update(dict.fromkeys(_inputs(operator), position))
    dying: dict[int, list[int]] = {}
    for tensor, position in last.items():
        if tensor not in graph.outputs and graph.tensors[tensor].data is None:
            dying.setdefault(position, []).append(tensor)
    return dying


def _inputs(operator: Operator) -> list[int]:
    return [tensor for tensor in operator.inputs if tensor >= 0]
