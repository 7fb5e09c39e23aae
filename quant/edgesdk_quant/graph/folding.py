"""Constant folding: what depends on constants and static shapes only is computed now.

Q/DQ nodes are never folded: a quantized weight must stay an integer in the graph.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import onnx_ir as ir
from onnx_ir.passes import common
from onnxscript import optimizer

from edgesdk_quant.graph.constants import lift_constants
from edgesdk_quant.graph.identity import remove_identities
from edgesdk_quant.graph.quantized import QUANTIZING

# In elements. Weights behind Transpose or Cast are folded too: above any layer of a big CNN.
LARGEST = 1 << 27
FOLDER = "onnxscript.optimizer._constant_folding"


def fold_constants(model: ir.Model) -> None:
    """Fold constants and static shape arithmetic, and hold the results as initializers."""
    with _quiet():
        optimizer.fold_constants(
            model,
            onnx_shape_inference=True,
            input_size_limit=LARGEST,
            output_size_limit=LARGEST,
            should_fold=_may_fold,
        )
    remove_identities(model)
    common.RemoveUnusedNodesPass()(model)
    lift_constants(model)


@contextmanager
def _quiet() -> Iterator[None]:
    """The folder warns about each node that it leaves alone, which is no news to a user."""
    logger = logging.getLogger(FOLDER)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _may_fold(node: ir.Node) -> bool | None:
    """None leaves the decision to the folder's own rules."""
    return False if node.op_type in QUANTIZING else None
