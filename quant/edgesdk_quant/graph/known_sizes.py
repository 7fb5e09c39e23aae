"""Sizes that are known although the batch is open need not be computed at run time."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph.rewrite import graph_of, made_by
from edgesdk_quant.graph.values import constant, new_initializer, value_shape


def write_known_sizes(model: ir.Model) -> None:
    """Replace sizes that are picked from a Shape by constants."""
    for node in list(model.graph.all_nodes()):
        if node.op_type in ("Gather", "Slice"):
            _replace_picked(node)


def _replace_picked(node: ir.Node) -> None:
    source, output = made_by(node.inputs[0], "Shape"), node.outputs[0]
    if source is None or output.is_graph_output():
        return
    picked = _picked(node, _sizes(source))
    if picked is not None and None not in picked.reshape(-1):
        sizes = new_initializer(graph_of(node), f"{output.name}_known", picked.astype(np.int64))
        output.replace_all_uses_with(sizes)


def _sizes(node: ir.Node) -> NDArray[Any]:
    """What a Shape gives: object [rank], None where it is open; empty where nothing is known."""
    shape = value_shape(node.inputs[0]) or ()
    end = node.attributes.get_int("end", len(shape))
    return np.array(shape, object)[node.attributes.get_int("start", 0) : end]


def _picked(node: ir.Node, sizes: NDArray[Any]) -> NDArray[Any] | None:
    numbers = [constant(value) for value in node.inputs[1:]]
    if not sizes.size or any(array is None for array in numbers):
        return None
    if node.op_type == "Gather":
        indices = np.asarray(numbers[0], np.int64)
        inside = indices.size and -sizes.size <= indices.min() and indices.max() < sizes.size
        return np.array(sizes[indices], object) if inside else None
    start, end = (int(np.asarray(array).reshape(-1)[0]) for array in numbers[:2])
    step = int(np.asarray(numbers[3]).reshape(-1)[0]) if len(numbers) > 3 else 1
    return sizes[start:end:step] if step else None
