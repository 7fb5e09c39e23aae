"""A graph evaluated by torch, from its inputs to all of its values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor

from edgesdk_quant.graph import constant
from edgesdk_quant.torch_graph.call import Call
from edgesdk_quant.torch_graph.operators import OPERATORS
from edgesdk_runtimes.errors import UnsupportedError

Values = Mapping[str, Tensor]
# What constants may be -> what they are in torch, which has no 4 bits.
TORCH_TYPES = {
    **{name: name for name in ("float32", "float64", "int32", "int64", "int8", "uint8", "bool")},
    "int4": "int8",
}


class TorchGraph:
    """Evaluates a graph; constants may be replaced by tensors that learn."""

    def __init__(self, model: ir.Model) -> None:
        """Take a graph in normal form, Q/DQ nodes allowed.

        Raises:
            UnsupportedError: operators without a torch expression; names all of them.
        """
        unknown = sorted({node.op_type for node in model.graph} - set(OPERATORS))
        if unknown:
            raise UnsupportedError(
                f"There is no torch expression of {', '.join(unknown)}, so no gradient passes them."
            )
        self._nodes = list(model.graph)
        self._outputs = [str(value.name) for value in model.graph.outputs]
        held = {name: constant(value) for name, value in model.graph.initializers.items()}
        self._constants = {
            name: torch.from_numpy(np.array(array.astype(TORCH_TYPES[array.dtype.name])))
            for name, array in held.items()
            if array is not None and array.dtype.name in TORCH_TYPES
        }

    def run(self, inputs: Values, learnt: Values | None = None) -> dict[str, Tensor]:
        """All values by name.

        Args:
            inputs: graph inputs; dimension 0 may hold more samples than the graph was made for.
            learnt: initializers to be replaced.
        """
        values: dict[str, Tensor] = {**self._constants, **(learnt or {}), **inputs}
        for node in self._nodes:
            self.evaluate(node, values)
        return values

    def evaluate(self, node: ir.Node, values: dict[str, Tensor]) -> None:
        """Add a node's results to the values."""
        operands = [None if v is None else values.get(str(v.name)) for v in node.inputs]
        result = OPERATORS[node.op_type](Call(node), operands)
        results = [result] if isinstance(result, Tensor) else result
        values.update(zip((str(v.name) for v in node.outputs), results, strict=False))

    def outputs(self, values: Values) -> list[Tensor]:
        """The graph's outputs among all values."""
        return [values[name] for name in self._outputs]
