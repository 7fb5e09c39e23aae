"""Is a graph quantized already?"""

from __future__ import annotations

import onnx_ir as ir

QUANTIZING = frozenset({"QuantizeLinear", "DequantizeLinear"})


def is_quantized(model: ir.Model) -> bool:
    """Whether any node of the model is a QuantizeLinear or DequantizeLinear."""
    return any(node.op_type in QUANTIZING for node in model.graph.all_nodes())
