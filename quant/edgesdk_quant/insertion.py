"""Q/DQ nodes go into a graph: the form that ARCHITECTURE.md calls the quantized Graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph import constant, unique_name
from edgesdk_quant.operators import Weighted, data_inputs, weighted
from edgesdk_quant.placement import Placement, WeightSite
from edgesdk_quant.qdq import QdqBuilder
from edgesdk_quant.scheme import BIAS, Affine, bias_parameters


def insert(
    model: ir.Model,
    placement: Placement,
    activations: Mapping[str, Affine],
    weights: Mapping[WeightSite, Affine],
) -> None:
    """Turn a float graph into a quantized one, in place.

    Args:
        model: float graph in normal form.
        placement: what becomes of it.
        activations: parameters of every value of the placement; one object for each group.
        weights: parameters of each weight site of the placement.
    """
    insertion = _Insertion(model.graph, placement, activations)
    for site in placement.weights:
        insertion.weights(site, weights[site])
    odd = insertion.odd_inputs()
    for value in insertion.values():
        insertion.activation(value)
    for node, index, parameters in odd:
        insertion.again(node, index, parameters)
    _remove_unused(model.graph)


class _Insertion:
    def __init__(
        self, graph: ir.Graph, placement: Placement, activations: Mapping[str, Affine]
    ) -> None:
        self.graph = graph
        self.placement = placement
        self.activations = activations
        self.build = QdqBuilder(graph)
        self.nodes = {str(node.name): node for node in graph}
        self.integer = {
            self.nodes[decision.node] for decision in placement.decisions if decision.integer
        }

    def values(self) -> list[ir.Value]:
        """The values that get a Q/DQ pair, in the placement's order."""
        produced = [output for node in self.graph for output in node.outputs]
        known = [*self.graph.inputs, *self.graph.initializers.values(), *produced]
        named = {str(value.name): value for value in known}
        return [named[name] for name in self.placement.values()]

    def weights(self, site: WeightSite, parameters: Affine) -> None:
        node = self.nodes[site.node]
        weight = node.inputs[site.index]
        array = constant(weight)
        if weight is None or array is None:
            return
        target = weighted(node) if node in self.integer else None
        if target is not None:
            parameters = self._wide_enough_for_bias(target, parameters)
        stored = parameters.quantize(array)
        node.replace_input_with(
            site.index, self.build.stored(str(weight.name), stored, parameters, node)
        )
        if target is not None and target.bias is not None:
            self._bias(target, target.bias, parameters, array.shape[site.axis])

    def _wide_enough_for_bias(self, target: Weighted, weights: Affine) -> Affine:
        """Widen channels whose weights are so small that their bias would leave int32."""
        bias = constant(target.bias)
        if bias is None:
            return weights
        step = float(self._input_parameters(target.node).scale)
        least = np.abs(bias.astype(np.float64)).reshape(-1) / (step * BIAS.high)
        least = least if weights.scale.ndim else least.max(initial=0.0)
        return replace(weights, scale=np.maximum(weights.scale, least).astype(np.float32))

    def _bias(self, target: Weighted, value: ir.Value, weights: Affine, channels: int) -> None:
        bias = constant(value)
        if bias is None:
            return
        parameters = bias_parameters(self._input_parameters(target.node), weights, channels)
        real = np.broadcast_to(bias.astype(np.float64).reshape(-1), (channels,))
        stored = parameters.quantize(real)
        target.node.replace_input_with(
            2, self.build.stored(str(value.name), stored, parameters, target.node)
        )

    def _input_parameters(self, node: ir.Node) -> Affine:
        return self.activations[str(data_inputs(node)[0].name)]

    def activation(self, value: ir.Value) -> None:
        parameters = self.activations[str(value.name)]
        array = constant(value)
        if array is None:
            self._computed(value, parameters)
            return
        uses = self._integer_uses(value)
        readers = {node for node, _ in uses}
        first = next(node for node in self.graph if node in readers)
        stored = self.build.stored(str(value.name), parameters.quantize(array), parameters, first)
        for node, index in uses:
            node.replace_input_with(index, stored)

    def _computed(self, value: ir.Value, parameters: Affine) -> None:
        """Pair after a computed value; a float producer's float readers keep the exact value."""
        producer, name = value.producer(), str(value.name)
        for_all = producer is None or producer in self.integer
        uses = [(u.node, u.idx) for u in value.uses()] if for_all else self._integer_uses(value)
        _, dq = self.build.pair(name, value, parameters, after=producer)
        for node, index in uses:
            node.replace_input_with(index, dq.outputs[0])
        if for_all and value.is_graph_output() and producer is not None:
            self._make_output(value, dq.outputs[0])

    def _integer_uses(self, value: ir.Value) -> list[tuple[ir.Node, int]]:
        return [(u.node, u.idx) for u in value.uses() if u.node in self.integer]

    def _make_output(self, old: ir.Value, new: ir.Value) -> None:
        """The graph's output is what comes out of the DQ, under the old name."""
        name = str(old.name)
        old.name = unique_name(self.graph, f"{name}_float", self.build.taken)
        new.name = name
        for index, output in enumerate(self.graph.outputs):
            if output is old:
                self.graph.outputs[index] = new

    def odd_inputs(self) -> list[tuple[ir.Node, int, Affine]]:
        """Inputs of pass-through operators that kept a scale of their own (see placement)."""
        passing = {decision.node for decision in self.placement.decisions if decision.passes}
        found = []
        for node in (node for node in self.graph if str(node.name) in passing):
            output = self.activations[str(node.outputs[0].name)]
            for index, value in enumerate(node.inputs):
                own = self.activations.get(str(value.name)) if value is not None else None
                if own is not None and own is not output:
                    found.append((node, index, output))
        return found

    def again(self, node: ir.Node, index: int, parameters: Affine) -> None:
        value = node.inputs[index]
        if value is not None:
            name = unique_name(self.graph, f"{value.name}_again", self.build.taken)
            _, dq = self.build.pair(name, value, parameters, after=value.producer())
            node.replace_input_with(index, dq.outputs[0])


def _remove_unused(graph: ir.Graph) -> None:
    """Drop the float weights that nothing reads any more."""
    for name, value in list(graph.initializers.items()):
        if not value.uses() and not value.is_graph_output():
            del graph.initializers[name]
