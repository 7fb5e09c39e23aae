"""Biases and the layers that add them: the step of a bias is that of its layer's products."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import onnx_ir as ir

from edgesdk.training.stored import INTEGERS, SCALE, StoredTensor
from edgesdk_quant.graph import constant
from edgesdk_quant.graph.rewrite import made_by

LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm"})
X, WEIGHTS, BIAS = 0, 1, 2


@dataclass(frozen=True)
class LayerBias:
    """A bias and the two factors of its step.

    Attributes:
        stored: the bias.
        x: name of the initializer that holds the step of the layer's input.
        weights: name of the layer's stored weights.
    """

    stored: StoredTensor
    x: str
    weights: str


def layer_biases(stored: Iterable[StoredTensor]) -> list[LayerBias]:
    """The biases among stored tensors that one layer of integers adds."""
    found = [_of_layer(tensor) for tensor in stored if tensor.is_bias]
    return [bias for bias in found if bias is not None]


def _of_layer(tensor: StoredTensor) -> LayerBias | None:
    uses = tuple(tensor.node.outputs[0].uses())
    if len(uses) != 1 or uses[0].idx != BIAS or uses[0].node.op_type not in LAYERS:
        return None
    x, weights = (dequantizer(uses[0].node.inputs[index]) for index in (X, WEIGHTS))
    if x is None or weights is None or constant(weights.inputs[INTEGERS]) is None:
        return None
    return LayerBias(tensor, _name(x.inputs[SCALE]), _name(weights.inputs[INTEGERS]))


def dequantizer(value: ir.Value | None) -> ir.Node | None:
    """The DequantizeLinear that makes a value."""
    return made_by(value, "DequantizeLinear")


def _name(value: ir.Value | None) -> str:
    return "" if value is None else str(value.name)
