"""Bias correction: take the mean output error of rounded weights back out of the bias.

Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction",
section 4.2: E[y~] - E[y] = (W~ - W) E[x] for each output channel; E[x] comes from calibration.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.calibration.channel_mean import ChannelMean
from edgesdk_quant.graph import constant, new_initializer
from edgesdk_quant.operators import weighted
from edgesdk_quant.placement import WeightSite
from edgesdk_quant.scheme import Affine

CORRECTED = ("Conv", "Gemm")


def correctable(model: ir.Model, sites: tuple[WeightSite, ...]) -> dict[str, str]:
    """Node name -> name of its input, for the nodes whose bias can be corrected."""
    nodes = {str(node.name): node for node in model.graph}
    found = {}
    for site in sites:
        node = nodes[site.node]
        source = node.inputs[0]
        plain = source is not None and constant(source) is None
        if node.op_type in CORRECTED and plain and weighted(node) is not None:
            found[site.node] = str(source.name if source is not None else "")
    return found


def correct_biases(
    model: ir.Model,
    weights: Mapping[WeightSite, Affine],
    inputs: Mapping[str, str],
    means: Mapping[str, ChannelMean],
) -> None:
    """Shift the float biases, in place.

    Args:
        model: float graph whose weights are about to be rounded.
        weights: parameters of each weight site.
        inputs: as `correctable` gives.
        means: by value name.
    """
    nodes = {str(node.name): node for node in model.graph}
    for site, parameters in weights.items():
        if site.node in inputs:
            _correct(model.graph, nodes[site.node], site, parameters, means[inputs[site.node]].mean)


def _correct(
    graph: ir.Graph,
    node: ir.Node,
    site: WeightSite,
    parameters: Affine,
    mean: NDArray[np.float64],
) -> None:
    weight = np.asarray(constant(node.inputs[site.index]), np.float64)
    rounded = parameters.round_trip(weight)
    shift = output_shift(node.op_type, rounded - weight, site.axis, mean)
    old = node.inputs[2] if len(node.inputs) > 2 else None
    bias = constant(old) if old is not None else None
    total = shift if bias is None else np.asarray(bias, np.float64).reshape(-1) + shift
    if len(node.inputs) < 3:
        node.resize_inputs(3)
    name = f"{node.name}_bias" if old is None else str(old.name)
    node.replace_input_with(2, new_initializer(graph, name, total.astype(np.float32)))


def output_shift(
    op: str, error: NDArray[np.float64], axis: int, mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What to add to the bias.

    Args:
        op: "Conv" or "Gemm".
        error: rounded weights minus trained ones.
        axis: dimension of the output channels.
        mean: float64 [C_in], mean of each input channel.

    Returns:
        float64 [C_out].
    """
    if op != "Conv":
        return np.asarray(-(np.moveaxis(error, axis, 0) @ mean))
    taps = error.reshape(error.shape[0], error.shape[1], -1).sum(axis=2)  # [C_out, C_in / groups]
    groups = mean.size // taps.shape[1]
    own = np.repeat(mean.reshape(groups, -1), taps.shape[0] // groups, axis=0)
    return np.asarray(-(taps * own).sum(axis=1))
