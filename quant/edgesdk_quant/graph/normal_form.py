"""The pass pipeline that brings a model to the normal form of ARCHITECTURE.md ("The Graph")."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common

from edgesdk_quant.graph.auto_pad import write_out_padding, write_out_rounding
from edgesdk_quant.graph.batch_normalization import fold_batch_normalization
from edgesdk_quant.graph.channel_arithmetic import fold_channel_arithmetic
from edgesdk_quant.graph.clip import simplify_clips
from edgesdk_quant.graph.constants import lift_constants
from edgesdk_quant.graph.einsum import write_einsums
from edgesdk_quant.graph.folding import fold_constants
from edgesdk_quant.graph.gather_indices import count_indices_from_start
from edgesdk_quant.graph.gelu import fuse_gelu
from edgesdk_quant.graph.gemm import fold_gemm_factors
from edgesdk_quant.graph.global_pool import write_global_pools
from edgesdk_quant.graph.halves import widen_halves
from edgesdk_quant.graph.hard_swish import fuse_hard_swish
from edgesdk_quant.graph.identity import remove_identities
from edgesdk_quant.graph.known_sizes import write_known_sizes
from edgesdk_quant.graph.layer_normalization import fuse_layer_normalization
from edgesdk_quant.graph.matmul import write_gemms
from edgesdk_quant.graph.naming import name_nodes, strip_metadata
from edgesdk_quant.graph.opset import convert_opset
from edgesdk_quant.graph.padding import fold_padding
from edgesdk_quant.graph.power import simplify_powers
from edgesdk_quant.graph.quantized import is_quantized
from edgesdk_quant.graph.quantized_operators import write_quantized_operators
from edgesdk_quant.graph.shapes import infer_shapes
from edgesdk_quant.graph.soundness import check_weights
from edgesdk_quant.graph.stored_rows import dequantize_before_gathering
from edgesdk_quant.graph.variadic import pair_operands

# Keep every result as it is, a quantized one included.
TIDYING = (
    dequantize_before_gathering,
    remove_identities,
    write_known_sizes,
    fold_constants,
    infer_shapes,
    remove_identities,
    write_out_padding,
    write_out_rounding,
    count_indices_from_start,
    pair_operands,
)
# Change float arithmetic; between Q and DQ they would change what was measured.
REWRITES = (
    write_einsums,
    fuse_gelu,
    fuse_layer_normalization,
    fuse_hard_swish,
    simplify_powers,
    simplify_clips,
    write_global_pools,
    write_gemms,
    fold_gemm_factors,
    fold_batch_normalization,
    fold_channel_arithmetic,
    fold_padding,
)


def normalize(model: ir.Model) -> ir.Model:
    """Bring a model to the normal form; the given model is left unchanged.

    Raises:
        ModelError: a weight holds NaN or infinity.
        UnsupportedError: the model's opset cannot be brought to opset 21.
    """
    model = convert_opset(model.clone())
    _collect(model)
    check_weights(model)
    for rewrite in TIDYING if is_quantized(model) else TIDYING + REWRITES:
        rewrite(model)
        common.RemoveUnusedNodesPass()(model)
    common.RemoveUnusedOpsetsPass()(model)
    common.TopologicalSortPass()(model)
    infer_shapes(model)
    strip_metadata(model)
    name_nodes(model)
    return model


def _collect(model: ir.Model) -> None:
    """One main graph without functions that owns all constants, with types and shapes."""
    common.InlinePass()(model)
    lift_constants(model)
    widen_halves(model)
    write_quantized_operators(model)  # of which ONNX's own inference knows half
    infer_shapes(model)
