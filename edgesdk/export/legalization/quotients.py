"""Quotients of int64 numbers, which LiteRT does not compute: in int32, where both surely fit."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import constant

NARROW = frozenset(
    {ir.DataType.BOOL, ir.DataType.INT8, ir.DataType.UINT8, ir.DataType.INT16, ir.DataType.INT32}
)
# Operators whose values are those of their first operand, or nearer to 0.
PASSING = frozenset(
    {"Div", "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Identity"}
    | {"ReduceMax", "ReduceMin", "Reshape", "Slice", "Squeeze", "Tile", "Transpose", "Unsqueeze"}
)
COUNTING = frozenset({"ArgMax", "ArgMin", "NonZero", "Shape", "Size"})  # within a tensor's sizes
# Operators whose values are no further from 0 than the largest of any operand. Mod(-1, n) is n - 1.
JOINING = frozenset({"Concat", "Max", "Min", "Mod"})


def rewrite_quotient(write: Composer, node: ir.Node) -> bool:
    """Div of places in a tensor (TopK, ArgMax) and the like."""
    if node.outputs[0].dtype != ir.DataType.INT64 or not all(map(_fits, node.inputs)):
        return False
    narrow = [write("Cast", value, to=int(ir.DataType.INT32)) for value in node.inputs]
    write.replace(write("Cast", write("Div", *narrow), to=int(ir.DataType.INT64)))
    return True


def _fits(value: ir.Value | None) -> bool:
    """Whether every element is known to lie above the lowest int32 and not above the highest."""
    if value is None:
        return False
    held = constant(value)
    if held is not None:
        return bool(np.all(np.abs(held.astype(np.float64)) < 2**31))
    producer = value.producer()
    if producer is None:
        return False
    if producer.op_type == "Cast":
        source = producer.inputs[0]
        return _fits(source) or (source is not None and source.dtype in NARROW)
    if producer.op_type == "TopK" and value is producer.outputs[1]:
        return True
    if producer.op_type in JOINING:
        return all(map(_fits, producer.inputs))
    passes = producer.op_type in PASSING and _fits(producer.inputs[0])
    return producer.op_type in COUNTING or passes


RULES = {"Div": rewrite_quotient}
