"""Arithmetic on 8- and 16-bit numbers that are no quantized activations: computed in 32 bits.

TFLite's kernels for these types want a scale. Results wrap around as ONNX's do.
"""

from __future__ import annotations

import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer

SMALL = frozenset({ir.DataType.INT8, ir.DataType.UINT8, ir.DataType.INT16})
WIDENED = (
    *("Abs", "Add", "ArgMax", "ArgMin", "Clip", "Div", "Equal", "Greater", "GreaterOrEqual"),
    *("Less", "LessOrEqual", "Max", "Min", "Mod", "Mul", "Neg", "Pow", "Relu", "ReduceMax"),
    *("ReduceMin", "Sign", "Sub", "Where"),
)
# 8 and 16 bits are exact in float32; TFLite pools no int32.
FLOATED = ("MaxPool", "Resize")


def rewrite_small(write: Composer, node: ir.Node) -> bool:
    """Cast to a wide type, compute, cast back."""
    wide = ir.DataType.FLOAT if node.op_type in FLOATED else ir.DataType.INT32
    small = [v is not None and v.dtype in SMALL for v in node.inputs]
    kind = node.outputs[0].dtype
    if not any(small) or kind is None or len(node.outputs) > 1:
        return False
    operands = [
        write("Cast", value, to=int(wide)) if is_small else value
        for value, is_small in zip(node.inputs, small, strict=True)
    ]
    result = write(node.op_type, *operands, **dict(node.attributes))
    write.replace(write("Cast", result, to=int(kind)) if kind in SMALL else result)
    return True


RULES = dict.fromkeys((*WIDENED, *FLOATED), rewrite_small)
