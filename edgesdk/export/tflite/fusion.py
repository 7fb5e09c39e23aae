"""What stands behind a node: activations that its kernel can apply, and who reads its result."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk.export.tflite.operands import is_constant, optional, real_constant
from edgesdk_quant.graph import consumers

# Bounds of a Clip -> what TFLite calls it; None: no bound.
CLIPS: dict[tuple[float | None, float | None], str] = {
    (0.0, None): "RELU",
    (0.0, 6.0): "RELU6",
    (-1.0, 1.0): "RELU_N1_TO_1",
}
QUANTIZERS = ("QuantizeLinear", "DequantizeLinear")
# Exporters write "no bound" as the largest float.
ENDLESS = 1e30


def activation_name(node: ir.Node) -> str:
    """TFLite's name for a Relu or Clip; "" for anything else."""
    if node.op_type == "Relu":
        return "RELU"
    if node.op_type != "Clip":
        return ""
    if not all(value is None or is_constant(value) for value in node.inputs[1:]):
        return ""
    return CLIPS.get((_bound(node, 1), _bound(node, 2)), "")


def only_reader(value: ir.Value) -> ir.Node | None:
    """The one node that reads a value; None where others, or the caller, read it too."""
    found = consumers(value)
    return found[0] if len(found) == 1 and not value.is_graph_output() else None


def readers(value: ir.Value) -> list[ir.Node]:
    """Nodes that read a value, those behind its Q/DQ pair included."""
    found = []
    for node in consumers(value):
        found += readers(node.outputs[0]) if node.op_type in QUANTIZERS else [node]
    return found


def origin(value: ir.Value) -> ir.Value:
    """The value in front of a Q/DQ pair, or the value itself."""
    node = value.producer()
    while node is not None and node.op_type in QUANTIZERS:
        source = node.inputs[0]
        if source is None:
            break
        value, node = source, source.producer()
    return value


def _bound(node: ir.Node, index: int) -> float | None:
    value = optional(node, index)
    if value is None:
        return None
    bound = float(real_constant(value).reshape(-1)[0])
    return None if not np.isfinite(bound) or abs(bound) > ENDLESS else bound
