"""Q/DQ nodes and their initializers, made and named alike everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_dtypes
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph import new_initializer, unique_name, value_names
from edgesdk_quant.scheme import Affine

# Short: every value is named two or three times in a file.
ENDINGS = {"QuantizeLinear": "q", "DequantizeLinear": "dq"}


class QdqBuilder:
    """Adds Q/DQ to one graph; values with the same parameters object share its initializers."""

    def __init__(self, graph: ir.Graph) -> None:
        self._graph = graph
        self._first = next(iter(graph), None)
        self.taken = value_names(graph)
        # The parameters object is kept too, so that its id stays its own.
        self._parameters: dict[int, tuple[Affine, ir.Value, ir.Value]] = {}

    def stored(
        self, name: str, array: NDArray[Any], parameters: Affine, reader: ir.Node
    ) -> ir.Value:
        """Stored integers -> DequantizeLinear, in front of the node that reads its output."""
        integers = new_initializer(self._graph, f"{name}_quantized", array, self.taken)
        node = self._node(
            "DequantizeLinear", name, [integers, *self._stored_as(name, parameters)], parameters
        )
        self._describe(node.outputs[0], integers, ir.DataType.FLOAT)
        self._graph.insert_before(reader, node)
        return node.outputs[0]

    def _stored_as(self, name: str, parameters: Affine) -> list[ir.Value]:
        """Scale and zero point; 4-bit zeros go without saying, which saves half a byte a channel.

        8-bit ones must be there: ONNX Runtime fuses a per-channel Gemm only with them.
        """
        scale, zero = self._scale_and_zero(name, parameters)
        bare = parameters.scheme.symmetric and parameters.scheme.dtype == ml_dtypes.int4
        if bare and not zero.uses():
            self._graph.initializers.pop(str(zero.name), None)
        return [scale] if bare else [scale, zero]

    def pair(
        self, name: str, value: ir.Value, parameters: Affine, after: ir.Node | None
    ) -> tuple[ir.Node, ir.Node]:
        """`value` -> QuantizeLinear -> DequantizeLinear, after a node (None: at the front)."""
        scale, zero = self._scale_and_zero(name, parameters)
        q = self._node("QuantizeLinear", name, [value, scale, zero])
        dq = self._node("DequantizeLinear", name, [q.outputs[0], scale, zero])
        self._describe(q.outputs[0], value, zero.dtype)
        self._describe(dq.outputs[0], value, ir.DataType.FLOAT)
        if after is not None:
            self._graph.insert_after(after, [q, dq])
        elif self._first is not None:
            self._graph.insert_before(self._first, [q, dq])
        return q, dq

    def _scale_and_zero(self, name: str, parameters: Affine) -> tuple[ir.Value, ir.Value]:
        key = id(parameters)
        if key not in self._parameters:
            self._parameters[key] = (
                parameters,
                new_initializer(self._graph, f"{name}_scale", parameters.scale, self.taken),
                new_initializer(
                    self._graph, f"{name}_zero_point", parameters.zero_point, self.taken
                ),
            )
        return self._parameters[key][1:]

    def _node(
        self, op: str, name: str, inputs: Sequence[ir.Value], parameters: Affine | None = None
    ) -> ir.Node:
        attributes = []
        if parameters is not None and parameters.axis is not None:
            attributes.append(ir.AttrInt64("axis", parameters.axis))
        if parameters is not None and parameters.block:
            attributes.append(ir.AttrInt64("block_size", parameters.block))
        ending = ENDINGS[op]
        node = ir.Node("", op, inputs, attributes, name=f"{name}_{ending}")
        node.outputs[0].name = unique_name(self._graph, f"{name}_{ending}", self.taken)
        return node

    def _describe(self, value: ir.Value, like: ir.Value, dtype: ir.DataType | None) -> None:
        value.shape = like.shape
        if dtype is not None:
            value.type = ir.TensorType(dtype)
