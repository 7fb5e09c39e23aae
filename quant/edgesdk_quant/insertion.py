"""Q/DQ nodes go into a graph: the form that ARCHITECTURE.md calls the quantized Graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph import constant, new_initializer
from edgesdk_quant.operators import Weighted, data_inputs, weighted
from edgesdk_quant.placement import Placement, WeightSite
from edgesdk_quant.scheme import Affine, weight_parameters

# An int32 bias keeps this far from its limit, so that adding the products cannot overflow.
LARGEST_BIAS = 2**30
BIAS_DTYPE = np.dtype(np.int32)


def insert(
    model: ir.Model,
    placement: Placement,
    activations: Mapping[str, Affine],
    weight_limits: Mapping[WeightSite, NDArray[Any]],
) -> None:
    """Turn a float graph into a quantized one, in place.

    Args:
        model: float graph in normal form.
        placement: what becomes of it.
        activations: parameters of every value of the placement.
        weight_limits: largest magnitude of each weight site, [] or [C].
    """
    _Insertion(model.graph, placement, activations).run(weight_limits)


class _Insertion:
    def __init__(
        self, graph: ir.Graph, placement: Placement, activations: Mapping[str, Affine]
    ) -> None:
        self.graph = graph
        self.placement = placement
        self.activations = activations
        self.names = _Names(graph)
        self.nodes = {str(node.name): node for node in graph}
        self.integer = {
            self.nodes[plan.name] for plan in placement.nodes if plan.activations is not None
        }
        self.fresh: list[ir.Node] = []  # go to the front, once all is done
        self.parameters: dict[int, tuple[ir.Value, ir.Value]] = {}

    def run(self, weight_limits: Mapping[WeightSite, NDArray[Any]]) -> None:
        for site in self.placement.weights:
            self._weights(site, weight_limits[site])
        values = {str(v.name): v for v in self._values()}
        for node in [n for n in self.graph if n in self.integer]:
            self._unlike_inputs(node)
        for name in self.placement.values():
            self._activation(values[name], self.activations[name])
        self._to_front()
        _remove_unused(self.graph)

    def _values(self) -> list[ir.Value]:
        produced = [output for node in self.graph for output in node.outputs]
        return [*self.graph.inputs, *self.graph.initializers.values(), *produced]

    # Weights and biases

    def _weights(self, site: WeightSite, limits: NDArray[Any]) -> None:
        node = self.nodes[site.node]
        weight = node.inputs[site.index]
        array = constant(weight)
        if weight is None or array is None:
            return
        target = weighted(node) if node in self.integer else None
        if target is not None:
            limits = self._limits_for_bias(target, limits)
        parameters = weight_parameters(limits, site.axis if np.ndim(limits) else None)
        stored = self._constant(str(weight.name), parameters.quantize(array), parameters)
        node.replace_input_with(site.index, stored)
        if target is not None and target.bias is not None:
            self._bias(target, parameters)

    def _limits_for_bias(self, target: Weighted, limits: NDArray[Any]) -> NDArray[Any]:
        """Widen channels whose weights are so small that their bias would leave int32."""
        bias = constant(target.bias)
        if bias is None:
            return limits
        step = float(self._input_parameters(target.node).scale)
        least = np.abs(bias.astype(np.float64)).reshape(-1) * 127 / (step * LARGEST_BIAS)
        return np.maximum(limits, least if np.ndim(limits) else least.max(initial=0.0))

    def _bias(self, target: Weighted, weights: Affine) -> None:
        bias = constant(target.bias)
        if bias is None or target.bias is None:
            return
        channels = target.weight.shape[target.axis] if target.weight.shape else bias.size
        real = np.broadcast_to(bias.reshape(-1), (int(channels),)).astype(np.float64)
        scale = np.broadcast_to(
            self._input_parameters(target.node).scale * weights.scale, real.shape
        ).astype(np.float32)
        stored = np.rint(real / scale).astype(BIAS_DTYPE)
        name = str(target.bias.name)
        inputs = self._initializers(name, stored, scale, np.zeros(real.shape, BIAS_DTYPE))
        target.node.replace_input_with(2, self._dequantize(name, inputs, axis=0))

    def _input_parameters(self, node: ir.Node) -> Affine:
        return self.activations[str(data_inputs(node)[0].name)]

    def _constant(self, name: str, stored: NDArray[Any], parameters: Affine) -> ir.Value:
        inputs = self._initializers(name, stored, parameters.scale, parameters.zero_point)
        return self._dequantize(name, inputs, parameters.axis)

    def _initializers(self, name: str, *arrays: NDArray[Any]) -> list[ir.Value]:
        suffixes = ("quantized", "scale", "zero_point")
        return [
            new_initializer(self.graph, self.names.take(f"{name}_{suffix}"), array)
            for suffix, array in zip(suffixes, arrays, strict=True)
        ]

    def _dequantize(self, name: str, inputs: Sequence[ir.Value], axis: int | None) -> ir.Value:
        node = self._node("DequantizeLinear", name, inputs, axis)
        self.fresh.append(node)
        return node.outputs[0]

    # Activations

    def _unlike_inputs(self, node: ir.Node) -> None:
        """Quantize anew the inputs of a pass-through operator that do not have its scale."""
        group = {name: g for g in self.placement.groups for name in g.values}
        del group

    def _activation(self, value: ir.Value, parameters: Affine) -> None:
        array = constant(value)
        if array is not None:
            stored = self._constant(str(value.name), parameters.quantize(array), parameters)
            return self._reconnect(value, stored, self.integer)
        name = str(value.name)
        was_output = value.is_graph_output() and value.producer() in self.integer
        if was_output:
            value.name = self.names.take(f"{name}_float")
        pair = self._pair(name, value, parameters)
        if was_output:
            pair[1].outputs[0].name = name
        producer = value.producer()
        everyone = producer in self.integer or producer is None
        self._reconnect(value, pair[1].outputs[0], None if everyone else self.integer, pair[0])
        self._place_after(producer, pair)
        return None

    def _pair(self, name: str, value: ir.Value, parameters: Affine) -> list[ir.Node]:
        scale, zero = self._scale_and_zero(name, parameters)
        q = self._node("QuantizeLinear", name, [value, scale, zero])
        return [q, self._node("DequantizeLinear", name, [q.outputs[0], scale, zero])]
