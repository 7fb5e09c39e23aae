"""Cross-layer equalization: scale channels so that each uses its tensor's range.

Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction",
section 4.1, equation 11: s = sqrt(r1 * r2) / r2 for each channel, with r1 its range where it is
written and r2 the largest weight that reads it; here r1 is the range of the activations. What is
divided by s when it is written is multiplied by s when it is read: the float result is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.algorithms.channel_groups import (
    ChannelGroup,
    channel_groups,
    group_count,
    put_constant,
    weight_of,
)
from edgesdk_quant.calibration.channel_range import ChannelRange
from edgesdk_quant.graph import constant
from edgesdk_quant.operators import Weighted

# No channel is made finer than this: beyond it rounding of the biases would show.
FINEST = 1 / 32


def observed(model: ir.Model, quantized: Collection[str]) -> list[str]:
    """Names of the values whose channel ranges `equalize` wants."""
    groups = _scalable(model)
    return sorted({str(v.name) for g in groups for v in g.values if str(v.name) in quantized})


def equalize(model: ir.Model, ranges: Mapping[str, ChannelRange]) -> dict[str, NDArray[np.float32]]:
    """Scale the weights of a float graph, in place; its results stay what they are.

    Args:
        model: float graph in normal form.
        ranges: value name -> extremes of its channels.

    Returns:
        Value name -> float32 [C], what each of its channels is now divided by.
    """
    divided: dict[str, NDArray[np.float32]] = {}
    for group in _scalable(model):
        written = [_magnitude(ranges[str(v.name)]) for v in group.values if str(v.name) in ranges]
        if written:
            factors = _factors(group, written)
            _scale(model.graph, group, factors)
            names = (str(value.name) for value in group.values)
            divided.update(dict.fromkeys(names, factors.astype(np.float32)))
    return divided


def _scalable(model: ir.Model) -> list[ChannelGroup]:
    """Groups without a Clip, whose bound would have to move with the channel."""
    return [group for group in channel_groups(model.graph) if not group.clips]


def _magnitude(extremes: ChannelRange) -> NDArray[np.float64]:
    return np.maximum(extremes.high, -extremes.low).astype(np.float64)


def _factors(group: ChannelGroup, written: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """float64 [C] in [FINEST, 1] up to a common factor: what each channel is divided by."""
    share = np.max([x / max(x.max(), np.finfo(float).tiny) for x in written], axis=0)
    factors = np.sqrt(np.maximum(share, 1e-12) / np.maximum(_reading(group), 1e-3))
    factors /= max(factors.max(), np.finfo(float).tiny)
    factors = np.maximum(factors, FINEST)
    return np.where(share > 0, factors, 1.0)


def _reading(group: ChannelGroup) -> NDArray[np.float64]:
    """float64 [C], largest weight that reads each channel, relative to its output channel's."""
    largest = np.zeros(group.channels)
    for edge in group.readers:
        if group_count(edge) > 1:
            largest = np.maximum(largest, 1.0)
            continue
        rows = np.abs(np.moveaxis(weight_of(edge), edge.axis, 0))
        rows = rows.reshape(rows.shape[0], rows.shape[1], -1).max(axis=2)
        share = rows / np.maximum(rows.max(axis=1, keepdims=True), np.finfo(float).tiny)
        largest = np.maximum(largest, share.max(axis=0))
    return largest


def _scale(graph: ir.Graph, group: ChannelGroup, factors: NDArray[np.float64]) -> None:
    for edge in group.writers:
        shape = [1] * weight_of(edge).ndim
        shape[edge.axis] = -1
        put_constant(graph, edge, 1, weight_of(edge) / factors.reshape(shape), "equalized")
        if edge.bias is not None:
            bias = np.asarray(constant(edge.bias), np.float64)
            put_constant(graph, edge, 2, bias / factors, "equalized")
    for edge in group.readers:
        put_constant(graph, edge, 1, weight_of(edge) * _reader_shape(edge, factors), "equalized")


def _reader_shape(edge: Weighted, factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factors along the input channels of the weights that read them."""
    weight = weight_of(edge)
    if edge.node.op_type == "Gemm":
        return factors[:, None] if edge.axis == 1 else factors[None, :]
    groups = group_count(edge)
    rows = np.repeat(factors.reshape(groups, -1), weight.shape[0] // groups, axis=0)
    return rows.reshape(rows.shape + (1,) * (weight.ndim - 2))
