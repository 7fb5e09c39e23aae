"""Remove operators that pass their input through unchanged."""

from __future__ import annotations

from collections.abc import Callable

import onnx_ir as ir

from edgesdk_quant.graph.rewrite import bypass, input_at
from edgesdk_quant.graph.values import constant, scalar, static_shape


def remove_identities(model: ir.Model) -> None:
    """Rewire the readers of nodes that do nothing to what those read."""
    for node in list(model.graph.all_nodes()):
        if node.op_type in DOES_NOTHING and DOES_NOTHING[node.op_type](node):
            bypass(node)


def _always(_: ir.Node) -> bool:
    return True


def _is_inference_dropout(node: ir.Node) -> bool:
    mask_unused = len(node.outputs) < 2 or not (
        node.outputs[1].uses() or node.outputs[1].is_graph_output()
    )
    training = input_at(node, 2)
    return mask_unused and (training is None or scalar(training) == 0)


def _keeps_dtype(node: ir.Node) -> bool:
    return node.inputs[0] is not None and node.inputs[0].dtype == node.attributes.get_int("to")


def _keeps_order(node: ir.Node) -> bool:
    order = node.attributes.get_ints("perm", ())
    return bool(order) and list(order) == list(range(len(order)))


def _keeps_shape(node: ir.Node) -> bool:
    before, after = static_shape(node.inputs[0]), static_shape(node.outputs[0])
    return before is not None and before == after


def _pads_nothing(node: ir.Node) -> bool:
    pads = constant(input_at(node, 1))
    return pads is not None and not pads.any()


def _joins_one(node: ir.Node) -> bool:
    return len(node.inputs) == 1


DOES_NOTHING: dict[str, Callable[[ir.Node], bool]] = {
    "Identity": _always,
    "Dropout": _is_inference_dropout,
    "Cast": _keeps_dtype,
    "Transpose": _keeps_order,
    "Reshape": _keeps_shape,
    "Flatten": _keeps_shape,
    "Expand": _keeps_shape,
    "Pad": _pads_nothing,
    "Concat": _joins_one,
}
