"""Linear layers that share an input, and a scale for each of its channels: the result stays.

y = W x = (W diag(s)) (x / s). The division goes into the LayerNormalization that makes x where
nobody else reads it; else it becomes one product with a constant in front of the layers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph import constant, consumers, new_initializer, unique_name
from edgesdk_quant.graph.rewrite import graph_of, input_at
from edgesdk_quant.operators import Weighted, is_float, weighted

LINEAR = frozenset({"Gemm", "MatMul"})


@dataclass(frozen=True)
class SharedInput:
    """Layers that read one value.

    Attributes:
        value: [..., C], computed.
        layers: Gemm and MatMul nodes that multiply it with constant weights.
    """

    value: ir.Value
    layers: tuple[Weighted, ...]

    @property
    def name(self) -> str:
        return str(self.value.name)

    def weights(self) -> list[NDArray[np.float64]]:
        """float64 [C, units] of each layer."""
        return [_by_input(layer) for layer in self.layers]

    @property
    def normalized(self) -> bool:
        """Whether a LayerNormalization makes the value."""
        node = self.value.producer()
        return node is not None and node.op_type == "LayerNormalization"

    @property
    def merges(self) -> bool:
        """Whether the LayerNormalization in front can take the scales in, at no cost."""
        node = self.value.producer()
        if node is None or not self.normalized or self.value.is_graph_output():
            return False
        known = [constant(v) for v in node.inputs[1:] if v is not None]
        own = {layer.node for layer in self.layers}
        return all(a is not None for a in known) and set(consumers(self.value)) <= own


def shared_inputs(graph: ir.Graph, nodes: Collection[str]) -> list[SharedInput]:
    """The computed inputs of the named linear layers, in graph order."""
    found: dict[ir.Value, list[Weighted]] = {}
    for node in graph:
        layer = _linear(node) if node.name in nodes else None
        if layer is not None and node.inputs[0] is not None:
            found.setdefault(node.inputs[0], []).append(layer)
    return [SharedInput(value, tuple(layers)) for value, layers in found.items()]


def _linear(node: ir.Node) -> Weighted | None:
    layer = weighted(node) if node.op_type in LINEAR else None
    source = node.inputs[0]
    if layer is None or constant(source) is not None or not is_float(source):
        return None
    return None if node.attributes.get_int("transA", 0) else layer


def _by_input(layer: Weighted) -> NDArray[np.float64]:
    weight = np.asarray(constant(layer.weight), np.float64)
    return weight if layer.axis == 1 else weight.T


def scale_input(shared: SharedInput, scale: NDArray[np.float64]) -> str:
    """Divide a value by `scale` [C] for its layers and multiply their weights by it, in place.

    Returns:
        Name of the product that was put in front of the layers; "" where none was needed.
    """
    graph, product = graph_of(shared.layers[0].node), ""
    if shared.merges:
        _into_normalization(graph, shared.value.producer(), scale)
    else:
        divided = _divided(graph, shared, scale)
        product = str(divided.name)
        for layer in shared.layers:
            layer.node.replace_input_with(0, divided)
    for layer in shared.layers:
        weight = np.asarray(constant(layer.weight), np.float64)
        column = scale[:, None] if layer.axis == 1 else scale[None, :]
        _put(graph, layer.node, 1, weight * column)
    return product


def _into_normalization(graph: ir.Graph, node: ir.Node | None, scale: NDArray[np.float64]) -> None:
    if node is None:
        return
    for index in (1, 2):
        array = constant(input_at(node, index))
        if array is not None:
            _put(graph, node, index, np.asarray(array, np.float64) / scale)


def _divided(graph: ir.Graph, shared: SharedInput, scale: NDArray[np.float64]) -> ir.Value:
    name = unique_name(graph, f"{shared.name}_per_scale")
    inverse = new_initializer(graph, f"{shared.name}_inverse", (1 / scale).astype(np.float32))
    node = ir.node("Mul", [shared.value, inverse], name=name)
    node.outputs[0].name = name
    node.outputs[0].type, node.outputs[0].shape = shared.value.type, shared.value.shape
    own = {layer.node for layer in shared.layers}
    graph.insert_before(next(node for node in graph if node in own), node)
    return node.outputs[0]


def _put(graph: ir.Graph, node: ir.Node, index: int, array: NDArray[np.float64]) -> None:
    old = node.inputs[index]
    name = f"{old.name if old is not None else node.name}_scaled"
    node.replace_input_with(index, new_initializer(graph, name, array.astype(np.float32)))
