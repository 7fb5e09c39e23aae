"""PixelShuffle (DepthToSpace in CRD mode): the Conv before it makes its channels in DCR order."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import constant, consumers, static_shape
from edgesdk_quant.graph.rewrite import input_at
from edgesdk_runtimes.base import Array

# What may stand between the two: each value is treated alike.
PASSING = ("QuantizeLinear", "DequantizeLinear", "Relu", "Clip")


def rewrite_conv(write: Composer, node: ir.Node) -> bool:
    """A Conv that only a DepthToSpace in CRD mode reads, its output channels in another order."""
    shuffle = _only_reader(node)
    while shuffle is not None and shuffle.op_type in PASSING:
        shuffle = _only_reader(shuffle)
    if shuffle is None or shuffle.op_type != "DepthToSpace":
        return False
    if shuffle.attributes.get_string("mode", "DCR") != "CRD":
        return False
    shape = static_shape(node.outputs[0])
    if shape is None or node.attributes.get_int("group", 1) != 1:
        return False
    order = crd_order(shape[1], shuffle.attributes.get_int("blocksize", 1))
    operands = [_reordered(write, input_at(node, i), order) for i in (1, 2)]
    if operands[0] is None or (operands[1] is None and input_at(node, 2) is not None):
        return False
    for i, operand in enumerate(operands, 1):
        if operand is not None:
            node.replace_input_with(i, operand)
    shuffle.attributes["mode"] = ir.AttrString("mode", "DCR")
    return True


def crd_order(channels: int, block: int) -> Array:
    """Where channel (block row, block column, depth) of DCR stands in (depth, row, column)."""
    depth = channels // block**2
    return np.arange(channels).reshape(depth, block, block).transpose(1, 2, 0).ravel()


def _only_reader(node: ir.Node) -> ir.Node | None:
    readers = consumers(node.outputs[0])
    alone = len(readers) == 1 and not node.outputs[0].is_graph_output()
    return readers[0] if alone else None


def _reordered(write: Composer, value: ir.Value | None, order: Array) -> ir.Value | None:
    """A constant operand [C, ...] with its channels in this order; None if it is no constant."""
    producer = value.producer() if value is not None else None
    sources = producer.inputs if producer is not None else [value]
    arrays = [constant(source) for source in sources]
    if any(array is None for array in arrays):
        return None
    moved = [a[order] if a.shape[:1] == order.shape else a for a in arrays if a is not None]
    if producer is None:
        return write.value(moved[0])
    if producer.op_type != "DequantizeLinear" or producer.attributes.get_int("axis", 1) != 0:
        return None
    return write("DequantizeLinear", *moved, axis=0)


RULES = {"Conv": rewrite_conv}
