"""Steps of activations: which learn, which stay alike, and how far they may grow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph import constant
from edgesdk_quant.operators import clip_bounds
from edgesdk_quant.scheme import FloatArray
from edgesdk_quant.torch_graph import quantizer_range

# Their results have ranges that TFLite fixes.
FIXED = frozenset({"HardSigmoid", "LogSoftmax", "Sigmoid", "Softmax", "Tanh"})
CLIPPING = frozenset({"Clip", "Relu"})


@dataclass(frozen=True)
class Step:
    """A step of one or more quantizers, which stay alike.

    Attributes:
        names: of the initializers that hold it.
        start: float32 [], what it is.
        most: what it may become: where a kernel clips for nothing, the range must end there.
    """

    names: tuple[str, ...]
    start: FloatArray
    most: float = np.inf


def learnable_steps(graph: ir.Graph) -> tuple[Step, ...]:
    """The steps that may learn.

    Quantizers with the same step and zero point stay alike: an operator that only moves values has
    the same on both sides. Steps of graph inputs (which pixels fit exactly) and of results whose
    range is fixed do not learn.
    """
    alike: dict[tuple[float, float], list[ir.Node]] = defaultdict(list)
    for node in graph:
        scale = constant(node.inputs[1]) if node.op_type == "QuantizeLinear" else None
        if scale is not None and scale.ndim == 0:
            alike[float(scale), quantizer_range(node)[2]].append(node)
    return tuple(_step(nodes) for nodes in alike.values() if not any(map(_is_fixed, nodes)))


def _step(nodes: list[ir.Node]) -> Step:
    names = dict.fromkeys(str(n.inputs[1].name) for n in nodes if n.inputs[1] is not None)
    start = np.asarray(constant(nodes[0].inputs[1]), np.float32)
    return Step(tuple(names), start, max(_most(nodes), float(start)))


def _is_fixed(node: ir.Node) -> bool:
    source = node.inputs[0]
    maker = None if source is None else source.producer()
    return maker is None or maker.op_type in FIXED


def _most(nodes: Iterable[ir.Node]) -> float:
    return min((_clipped_at(node) for node in nodes), default=np.inf)


def _clipped_at(node: ir.Node) -> float:
    """The largest step with which all stored values lie between the bounds of a Clip."""
    maker = node.inputs[0].producer() if node.inputs[0] is not None else None
    bounds = clip_bounds(maker) if maker is not None and maker.op_type in CLIPPING else None
    if bounds is None:
        return np.inf
    low, high, zero = quantizer_range(node)
    sides = zip(bounds, (low - zero, high - zero), strict=True)
    return min((bound / end for bound, end in sides if end and bound), default=np.inf)
