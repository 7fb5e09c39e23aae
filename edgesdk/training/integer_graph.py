"""A quantized graph evaluated forwards on integers, by the rules that every runtime obeys.

An operator whose operands are dequantized and whose result is quantized is evaluated as one: on
stored integers, by docs/NUMERICS.md. Backwards it is the real operator (a straight-through
gradient). So what a network learns with has the bits of what ships.
"""

from __future__ import annotations

import onnx_ir as ir
from torch import Tensor

from edgesdk.training.integer_operators import integer_operator
from edgesdk_quant.torch_graph import TorchGraph, only_dequantized, quantizer_range
from edgesdk_quant.torch_graph.fake_quantize import clamp, round_through

QUANTIZE = "QuantizeLinear"


class IntegerGraph(TorchGraph):
    """As `TorchGraph`; quantizers and the operators before them have the bits of the runtimes."""

    def __init__(self, model: ir.Model) -> None:
        """Take a quantized graph in normal form."""
        super().__init__(model)
        self._ends = {n for n in model.graph if n.op_type == QUANTIZE and only_dequantized(n)}
        found = {node: integer_operator(node) for node in self._ends}
        self._operators = {node: op for node, op in found.items() if op is not None}
        self._covered = {node for op in self._operators.values() for node in op.covered}

    def evaluate(self, node: ir.Node, values: dict[str, Tensor]) -> None:
        """Add a node's results to the values."""
        if node in self._covered:
            return
        if node in self._operators:
            values[str(node.outputs[0].name)] = self._operators[node].run(values)
        elif node in self._ends:
            values[str(node.outputs[0].name)] = _quantized(node, values)
        else:
            super().evaluate(node, values)


def _quantized(node: ir.Node, values: dict[str, Tensor]) -> Tensor:
    """QUANTIZE of real values, which multiplies by the reciprocal of the step; dequantized."""
    x, step = (values[str(v.name)] for v in node.inputs[:2] if v is not None)
    low, high, zero = quantizer_range(node)
    return clamp(round_through(x * (1 / step)), low - zero, high - zero) * step
