"""The pass pipeline that brings a model to the normal form of ARCHITECTURE.md ("The Graph")."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common

from edgesdk_quant.graph.batch_normalization import fold_batch_normalization
from edgesdk_quant.graph.folding import fold_constants
from edgesdk_quant.graph.identity import remove_identities
from edgesdk_quant.graph.naming import name_nodes, strip_metadata
from edgesdk_quant.graph.opset import OPSET, convert_opset
from edgesdk_quant.graph.padding import fold_padding
from edgesdk_quant.graph.soundness import check_weights

PASSES = (
    remove_identities,
    fold_constants,
    fold_batch_normalization,
    fold_padding,
)


def normalize(model: ir.Model) -> ir.Model:
    """Bring a model to the normal form; the given model is left unchanged.

    Raises:
        ModelError: a weight holds NaN or infinity.
        UnsupportedError: the model's opset cannot be brought to opset 21.
    """
    model = convert_opset(model.clone(), OPSET)
    common.InlinePass()(model)
    common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    common.LiftSubgraphInitializersToMainGraphPass()(model)
    common.RemoveInitializersFromInputsPass()(model)
    common.ShapeInferencePass()(model)
    for rewrite in PASSES:
        rewrite(model)
    common.RemoveUnusedNodesPass()(model)
    common.RemoveUnusedOpsetsPass()(model)
    common.TopologicalSortPass()(model)
    common.ShapeInferencePass()(model)
    strip_metadata(model)
    name_nodes(model)
    check_weights(model)
    return model
