"""Types and shapes of all values, by ONNX's own inference; a symbolic batch stays symbolic."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common


def infer_shapes(model: ir.Model) -> None:
    """Fill in what ONNX can infer, values of shape arithmetic included."""
    common.ShapeInferencePass(strict_mode=False, data_prop=True)(model)
