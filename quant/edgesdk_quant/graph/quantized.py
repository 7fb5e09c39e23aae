"""Is a graph quantized already?"""

from __future__ import annotations

import onnx_ir as ir

QUANTIZING = frozenset({"QuantizeLinear", "DequantizeLinear"})
DYNAMIC = frozenset({"ConvInteger", "DynamicQuantizeLinear", "MatMulInteger"})


def is_quantized(model: ir.Model) -> bool:
    """Whether any node of the model quantizes, or computes with integers that others quantized."""
    return any(node.op_type in QUANTIZING | DYNAMIC for node in model.graph.all_nodes())
