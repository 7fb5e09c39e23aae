"""Write a placement into a graph: Q/DQ pairs on activations, integer weights and biases behind DQ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph import constant, new_initializer
from edgesdk_quant.placement import WeightSite
from edgesdk_quant.scheme import Affine, weight_parameters

# Biases keep this much of the int32 range, so that adding them to a sum cannot overflow.
LARGEST_BIAS = 2**30
HAS_BIAS = {"Conv", "ConvTranspose", "Gemm"}


@dataclass(frozen=True)
class Parameters:
    """What insertion needs to know.

    Attributes:
        activations: value name -> its parameters.
        limits: float64 [C], largest magnitude to store of each channel, by weight site.
        bias_shifts: float64 [C], added to the bias of the node of this name.
    """

    activations: Mapping[str, Affine]
    limits: Mapping[WeightSite, NDArray[np.float64]]
    bias_shifts: Mapping[str, NDArray[np.float64]]


def insert(model: ir.Model, parameters: Parameters) -> None:
    """Quantize a graph in place.

    Activations first, so that a weighted node finds the parameters of its input on its own input.
    """
    nodes = {str(node.name): node for node in model.graph}
    inputs = {
        name: node.inputs[0].name for name, node in nodes.items() if node.inputs and node.inputs[0]
    }
    for site, limits in parameters.limits.items():
        activation = parameters.activations.get(str(inputs.get(site.node)))
        shift = parameters.bias_shifts.get(site.node)
        _quantize_node(model.graph, nodes[site.node], site, limits, activation, shift)
    for name, affine in parameters.activations.items():
        _quantize_value(model.graph, _value(model.graph, name), affine)
    model.graph.sort()


def _value(graph: ir.Graph, name: str) -> ir.Value:
    candidates = (
        *graph.inputs,
        *graph.initializers.values(),
        *(o for n in graph for o in n.outputs),
    )
    return next(value for value in candidates if value.name == name)


def _quantize_value(graph: ir.Graph, value: ir.Value, affine: Affine) -> None:
    """value -> QuantizeLinear -> DequantizeLinear -> everything that read value.

    A graph output keeps its name: the dequantized value takes it over.
    """
    name, is_output = str(value.name), value.is_graph_output()
    parameters = _initializers(graph, name, affine)
    quantize = ir.node("QuantizeLinear", [value, *parameters], name=f"{name}_quantize")
    stored = quantize.outputs[0]
    stored.name, stored.shape = f"{name}_quantized", value.shape
    dequantize = ir.node("DequantizeLinear", [stored, *parameters], name=f"{name}_dequantize")
    result = dequantize.outputs[0]
    result.name, result.dtype, result.shape = f"{name}_dequantized", value.dtype, value.shape
    value.replace_all_uses_with(result, replace_graph_outputs=True)
    quantize.replace_input_with(0, value)
    if is_output:
        value.name, result.name = f"{name}_float", name
    graph.extend([quantize, dequantize])


def _quantize_node(
    graph: ir.Graph,
    node: ir.Node,
    site: WeightSite,
    limits: NDArray[np.float64],
    activation: Affine | None,
    shift: NDArray[np.float64] | None,
) -> None:
    weight = np.asarray(constant(node.inputs[site.operand]))
    bias = constant(node.inputs[2]) if len(node.inputs) > 2 and node.op_type in HAS_BIAS else None
    total = None if bias is None else np.asarray(bias, np.float64).reshape(-1)
    if shift is not None:
        total = shift if total is None else total + shift
    if activation is not None and total is not None:
        limits = np.maximum(limits, _limits_for_bias(total, activation))
    axis = site.axis if limits.ndim else None
    if node.op_type == "Gather":
        axis, limits = None, np.asarray(limits.max())
    affine = weight_parameters(limits, axis)
    node.replace_input_with(
        site.operand, _dequantized(graph, node.inputs[site.operand], weight, affine)
    )
    if total is not None and node.op_type in HAS_BIAS:
        _set_bias(graph, node, total, affine, activation)


def _limits_for_bias(bias: NDArray[np.float64], activation: Affine) -> NDArray[np.float64]:
    """Weight limits below which the int32 bias would overflow."""
    step = float(activation.scale)
    return np.asarray(np.abs(bias) / (step * LARGEST_BIAS) * 127)


def _dequantized(
    graph: ir.Graph, source: ir.Value | None, array: NDArray[np.generic], affine: Affine
) -> ir.Value:
    name = str(source.name) if source is not None else "weight"
    stored = new_initializer(graph, f"{name}_quantized", affine.quantize(array))
    return _dequantize(graph, name, stored, _initializers(graph, name, affine), affine.axis)


def _dequantize(
    graph: ir.Graph, name: str, stored: ir.Value, parameters: list[ir.Value], axis: int | None
) -> ir.Value:
    attributes = {} if axis is None else {"axis": axis}
    node = ir.node(
        "DequantizeLinear", [stored, *parameters], attributes, name=f"{stored.name}_dequantize"
    )
    result = node.outputs[0]
    result.name, result.dtype, result.shape = (
        f"{stored.name}_dequantized",
        ir.DataType.FLOAT,
        stored.shape,
    )
    graph.append(node)
    return result


def _set_bias(
    graph: ir.Graph,
    node: ir.Node,
    bias: NDArray[np.float64],
    weights: Affine,
    activation: Affine | None,
) -> None:
    old = node.inputs[2] if len(node.inputs) > 2 else None
    name = str(old.name) if old is not None else f"{node.name}_bias"
    if activation is None:
        value = new_initializer(graph, name, bias.astype(np.float32))
    else:
        scale = np.broadcast_to(activation.scale * weights.scale, bias.shape).astype(np.float32)
        stored = np.rint(bias / scale.astype(np.float64)).astype(np.int32)
        parameters = [
            new_initializer(graph, f"{name}_scale", scale),
            new_initializer(graph, f"{name}_zero_point", np.zeros(scale.shape, np.int32)),
        ]
        value = _dequantize(
            graph, name, new_initializer(graph, f"{name}_quantized", stored), parameters, 0
        )
    if len(node.inputs) < 3:
        node.resize_inputs(3)
    node.replace_input_with(2, value)


def _initializers(graph: ir.Graph, name: str, affine: Affine) -> list[ir.Value]:
    return [
        new_initializer(graph, f"{name}_scale", affine.scale),
        new_initializer(graph, f"{name}_zero_point", affine.zero_point),
    ]
