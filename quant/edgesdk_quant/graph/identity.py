"""Remove operators that pass their input through: Identity, and Dropout at inference."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common

from edgesdk_quant.graph.values import scalar


def remove_identities(model: ir.Model) -> None:
    """Rewire the readers of Identity and inference Dropout to what those read."""
    for node in list(model.graph):
        if node.op_type == "Dropout" and _is_inference(node):
            node.outputs[0].replace_all_uses_with(node.inputs[0], replace_graph_outputs=True)
            model.graph.remove(node, safe=True)
    common.IdentityEliminationPass()(model)


def _is_inference(node: ir.Node) -> bool:
    mask_unused = len(node.outputs) < 2 or not node.outputs[1].uses()
    training = scalar(node.inputs[2]) if len(node.inputs) > 2 else None
    return mask_unused and not training and not node.outputs[0].is_graph_output()
