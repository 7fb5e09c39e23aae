"""Run a TFLite model in numpy, operator by operator, keeping every tensor on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgesdk_quant.reference import elementwise, linear, movement, reduction
from edgesdk_quant.reference.context import Context
from edgesdk_quant.tflite.model import Model, Subgraph
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

OPERATORS: Mapping[str, Callable[[Context], list[Array]]] = {
    **elementwise.OPERATORS,
    **linear.OPERATORS,
    **movement.OPERATORS,
    **reduction.OPERATORS,
}


class Interpreter:
    """The semantics of docs/NUMERICS.md, independent of the C library."""

    def __init__(self, model: Model) -> None:
        """Take the main subgraph.

        Raises:
            UnsupportedError: names every operator that is missing here.
        """
        self.graph: Subgraph = model.subgraphs[0]
        missing = sorted({op.code for op in self.graph.operators} - set(OPERATORS))
        if missing:
            raise UnsupportedError(
                f"the interpreter lacks {', '.join(missing)}; run the model on another runtime"
            )
        self._constants = {
            i: tensor.data for i, tensor in enumerate(self.graph.tensors) if tensor.data is not None
        }
        self._last_use = self._find_last_uses()

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Run once.

        Args:
            arrays: one for each input, of its dtype and shape.

        Returns:
            One array for each output.
        """
        values = self._run(arrays, keep=False)
        return [np.array(values[i]) for i in self.graph.outputs]

    def tensors(self, arrays: Sequence[Array]) -> dict[str, Array]:
        """Run once and return every tensor that is no constant, by name, as stored."""
        values = self._run(arrays, keep=True)
        names = self.graph.tensors
        return {names[i].name: v for i, v in values.items() if i not in self._constants}

    def _run(self, arrays: Sequence[Array], *, keep: bool) -> dict[int, Array]:
        values: dict[int, Array] = dict(self._constants)
        values.update(zip(self.graph.inputs, arrays, strict=True))
        for position, operator in enumerate(self.graph.operators):
            context = Context(operator, self.graph.tensors, values)
            results = OPERATORS[operator.code](context)
            values.update(zip(operator.outputs, results, strict=True))
            if not keep:
                for tensor in self._last_use.get(position, ()):
                    values.pop(tensor, None)
        return values

    def _find_last_uses(self) -> dict[int, list[int]]:
        """Position of an operator -> activations that nothing reads after it."""
        last: dict[int, int] = {}
        for position, operator in enumerate(self.graph.operators):
            last.update(dict.fromkeys((i for i in operator.inputs if i >= 0), position))
        kept = {*self.graph.outputs, *self._constants}
        dying: dict[int, list[int]] = {}
        for tensor, position in last.items():
            if tensor not in kept:
                dying.setdefault(position, []).append(tensor)
        return dying
