"""Loops of known length are unrolled, so that layers inside of them are quantized as others are."""

from __future__ import annotations

import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk.export.legalization.loops import rewrite_loop, rewrite_scan
from edgesdk_quant.graph import normalize

MOST_NODES = 2048  # of all turns of a loop; longer ones stay loops in .onnx files
LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
RULES = {"Loop": rewrite_loop, "Scan": rewrite_scan}


def unroll_loops(model: ir.Model) -> ir.Model:
    """The model in normal form without short loops around layers.

    Args:
        model: in normal form; it may be changed.
    """
    loops = [node for node in model.graph if node.op_type in RULES and _holds_layers(node)]
    if not any([RULES[n.op_type](Composer(model, n), n, MOST_NODES) for n in loops]):
        return model
    return normalize(model)


def _holds_layers(loop: ir.Node) -> bool:
    body = loop.attributes["body"].as_graph()
    return any(node.op_type in LAYERS for node in body.all_nodes())
