"""What is known about each layer, brought together by the names of its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from edgesdk.report.bins import Bins
from edgesdk.report.contents import (
    BORDER,
    FLOAT,
    OTHER,
    WEIGHTS,
    KeptFloat,
    Layer,
    LayerTime,
)
from edgesdk.report.layers import Layers
from edgesdk.report.network import BITS, INPUT, OUTPUT, QUANTIZING, Network, Node, Value
from edgesdk.verification import LayerDamage

FLOAT_TYPES = frozenset({"FLOAT", "FLOAT32", "FLOAT16", "DOUBLE", "FLOAT64", "BFLOAT16"})

Found = TypeVar("Found")


@dataclass(frozen=True)
class Findings:
    """What was measured, by the name of the value that it is about.

    Attributes:
        damages: noise against the float model.
        times: cost on the native runtime.
        activations: histograms of float values.
        reasons: node name -> why it stayed float.
    """

    damages: Mapping[str, LayerDamage] = field(default_factory=dict)
    times: Mapping[str, LayerTime] = field(default_factory=dict)
    activations: Mapping[str, Bins] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def describe_layers(network: Network, grouping: Layers, found: Findings) -> tuple[Layer, ...]:
    """One Layer for each group of nodes."""
    dequantized = {
        value.name
        for node in network.nodes
        if node.op == "DequantizeLinear"
        for value in node.outputs
    }
    groups = ([network.nodes[i] for i in members] for members in grouping.members)
    return tuple(_layer(nodes, dequantized, found) for nodes in groups)


def _layer(nodes: Sequence[Node], dequantized: set[str], found: Findings) -> Layer:
    head = nodes[0]
    fused = [head.fused, *(node.op for node in nodes[1:] if node.op not in QUANTIZING)]
    result = _result(nodes)
    kind = _kind(head, result, dequantized)
    names = [value.name for node in nodes for value in node.outputs]
    if result is not None:
        names.insert(0, result.name)
    return Layer(
        head.name,
        head.op,
        tuple(name for name in fused if name),
        kind,
        found.reasons.get(head.name, "") if kind in (FLOAT, WEIGHTS) else "",
        result,
        head.constants,
        sum(node.macs for node in nodes),
        _first(found.activations, names),
        _first(found.damages, names),
        _first(found.times, names),
    )


def _result(nodes: Sequence[Node]) -> Value | None:
    """The value that a layer gives, before its Q/DQ, with the grid that they put it on."""
    computed = [node for node in nodes if node is nodes[0] or node.op not in QUANTIZING]
    if not computed[-1].outputs:
        return None
    value = computed[-1].outputs[0]
    grids = [v.grid for node in nodes for v in node.outputs if v.grid is not None]
    if value.grid is not None or not grids:
        return value
    return Value(value.name, value.dtype, value.shape, grids[0])


def _kind(head: Node, result: Value | None, dequantized: set[str]) -> str:
    if head.op in (INPUT, OUTPUT):
        return BORDER
    if result is None:
        return OTHER
    if result.dtype in BITS and result.grid is not None:
        return f"int{BITS[result.dtype]}"
    if head.inputs and result.grid is not None and set(head.inputs) <= dequantized:
        return f"int{BITS[result.grid.dtype]}"
    if any(constant.scales for constant in head.constants):
        return WEIGHTS
    return FLOAT if result.dtype in FLOAT_TYPES else OTHER


def _first(table: Mapping[str, Found], names: Sequence[str]) -> Found | None:
    return next((table[name] for name in names if name in table), None)


def kept_float(layers: Sequence[Layer]) -> tuple[KeptFloat, ...]:
    """Operators whose activations stayed float, by reason."""
    found: dict[str, list[str]] = {}
    for layer in layers:
        if layer.kind in (FLOAT, WEIGHTS):
            found.setdefault(layer.why_float, []).append(layer.name)
    return tuple(KeptFloat(reason, tuple(names)) for reason, names in found.items())
