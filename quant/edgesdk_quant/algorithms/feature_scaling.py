"""Columns of a table measure different things: each gets a unit of its own before the network.

One scale for ages and incomes would leave no steps to the ages. An input [N, F] is multiplied by a
power of two for each feature, in float, and the weights that read it by the inverse: equation 11 of
Nagel et al. 2019 with the input's side free. Both are exact, so the float result keeps its bits.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.calibration.channel_range import ChannelRange
from edgesdk_quant.graph import constant, consumers, new_initializer, unique_name, value_shape
from edgesdk_quant.operators import attribute, is_float

# The largest feature over the middle one. Below it most features have 32 steps and more; so have
# pixels of one kind, of which some are rarely lit: these keep their common scale.
UNEVEN = 8.0


def tables(model: ir.Model) -> list[str]:
    """Names of the inputs [N, F] whose readers can take features in other units."""
    return [str(value.name) for value in model.graph.inputs if _is_table(value)]


def scale_features(model: ir.Model, ranges: Mapping[str, ChannelRange]) -> list[str]:
    """Give uneven features even units, in place; the float results stay what they are.

    Args:
        model: float graph in normal form.
        ranges: name of a table -> extremes of its features.

    Returns:
        Names of the inputs that were scaled; they are to stay float.
    """
    scaled = []
    for value in model.graph.inputs:
        if str(value.name) in ranges:
            units = _units(ranges[str(value.name)])
            if units.max() / np.median(units) >= UNEVEN:
                _scale(model.graph, value, units)
                scaled.append(str(value.name))
    return scaled


def _is_table(value: ir.Value) -> bool:
    shape = value_shape(value)
    if shape is None or len(shape) != 2 or shape[1] is None or not is_float(value):
        return False
    readers = consumers(value)
    return bool(readers) and all(
        _feature_axis(node, value, shape[1]) is not None for node in readers
    )


def _feature_axis(node: ir.Node, value: ir.Value, features: int) -> int | None:
    """Dimension of the features in the constant at input 1; None for readers that cannot adapt."""
    held = constant(node.inputs[1]) if len(node.inputs) > 1 else None
    if held is None or node.inputs[0] is not value or held.dtype != np.float32:
        return None
    if node.op_type == "Mul" and held.shape in ((features,), (1, features)):
        return held.ndim - 1
    if node.op_type == "Gemm" and not attribute(node, "transA", 0):
        return 1 if attribute(node, "transB", 0) else 0
    return 0 if node.op_type == "MatMul" and held.ndim == 2 else None


def _units(extremes: ChannelRange) -> NDArray[np.float32]:
    """Powers of two [F], the least above each feature; features of zeros get the middle one."""
    largest = np.maximum(extremes.high, -extremes.low).astype(np.float64)
    exponents = np.ceil(np.log2(np.where(largest > 0, largest, 1.0)))
    even = exponents[largest > 0]
    middle = float(np.median(even)) if even.size else 0.0
    exponents = np.where(largest > 0, exponents, middle)
    return np.asarray(np.exp2(np.clip(exponents, -60, 60)), np.float32)


def _scale(graph: ir.Graph, value: ir.Value, units: NDArray[np.float32]) -> None:
    readers = consumers(value)
    for node in readers:
        held, axis = constant(node.inputs[1]), _feature_axis(node, value, units.size)
        if held is not None and axis is not None and node.inputs[1] is not None:
            by = units.reshape([-1 if d == axis else 1 for d in range(held.ndim)])
            name, scaled_up = f"{node.inputs[1].name}_in_units", np.asarray(held, np.float32) * by
            node.replace_input_with(1, new_initializer(graph, name, scaled_up))
    factors = new_initializer(graph, f"{value.name}_units", 1 / units[None])
    scaled = ir.node("Mul", [value, factors], name=unique_name(graph, f"{value.name}_scaling"))
    result = scaled.outputs[0]
    result.name = unique_name(graph, f"{value.name}_in_units")
    result.type, result.shape = value.type, value.shape
    graph.insert_before(readers[0], scaled)
    for node in readers:
        node.replace_input_with(0, result)
