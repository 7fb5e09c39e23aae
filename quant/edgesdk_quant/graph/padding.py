"""Fold a Pad with zeros into the Conv that is its only reader."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph.values import constant, consumers, scalar


def fold_padding(model: ir.Model) -> None:
    """Rewrite Pad(zeros, spatial axes) -> Conv as Conv with larger pads."""
    for node in list(model.graph):
        readers = consumers(node.outputs[0]) if node.op_type == "Pad" else []
        if len(readers) != 1 or readers[0].op_type != "Conv" or node.outputs[0].is_graph_output():
            continue
        pads = _spatial_pads(node)
        if pads is None or readers[0].attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
            continue
        _fold(node, readers[0], pads)
        model.graph.remove(node, safe=True)


def _spatial_pads(node: ir.Node) -> list[int] | None:
    """Begin and end pads of the spatial axes, or None when the Pad is not one of zeros there."""
    pads = constant(node.inputs[1]) if len(node.inputs) > 1 else None
    value = scalar(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] is not None else 0.0
    has_axes = len(node.inputs) > 3 and node.inputs[3] is not None
    if (
        pads is None
        or has_axes
        or value != 0
        or node.attributes.get_string("mode", "constant") != "constant"
    ):
        return None
    begin, end = np.split(np.asarray(pads, np.int64), 2)
    if begin[:2].any() or end[:2].any() or (begin < 0).any() or (end < 0).any():
        return None
    return [int(n) for n in (*begin[2:], *end[2:])]


def _fold(pad: ir.Node, conv: ir.Node, pads: list[int]) -> None:
    own = conv.attributes.get_ints("pads", [0] * len(pads))
    total = [a + b for a, b in zip(own, pads, strict=True)]
    conv.attributes["pads"] = ir.AttrInt64s("pads", total)
    conv.replace_input_with(0, pad.inputs[0])
