"""Sizes that are known although the batch is open need not be computed at run time."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.graph.rewrite import graph_of, input_at, made_by
from edgesdk_quant.graph.values import constant, new_initializer, value_shape


def write_known_sizes(model: ir.Model) -> None:
    """Replace sizes that are picked from a Shape, and what a Resize is told, by constants."""
    for node in list(model.graph.all_nodes()):
        if node.op_type in ("Gather", "Slice"):
            _replace_picked(node)
        elif node.op_type == "Resize":
            _close_resize(node)


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


def _close_resize(node: ir.Node) -> None:
    """Sizes of the dimensions that change, where one of the others is the open batch."""
    sizes = input_at(node, 3)
    before, after = value_shape(node.inputs[0]), value_shape(node.outputs[0])
    if sizes is None or constant(sizes) is not None or before is None or after is None:
        return
    if "axes" in node.attributes or len(before) != len(after):
        return
    closed = [axis for axis, pair in enumerate(zip(before, after, strict=True)) if None not in pair]
    if not all(_same_open(node, axis) for axis in range(len(after)) if axis not in closed):
        return
    axes = [axis for axis in closed if before[axis] != after[axis]] or closed
    known = np.array([after[axis] for axis in axes], np.int64)
    node.replace_input_with(3, new_initializer(graph_of(node), f"{node.name}_sizes", known))
    node.attributes["axes"] = ir.AttrInt64s("axes", axes)


def _same_open(node: ir.Node, axis: int) -> bool:
    """Whether a dimension is the same open size on both sides."""
    shapes = [value.shape for value in (node.inputs[0], node.outputs[0]) if value is not None]
    names = {str(shape.dims[axis]) for shape in shapes if shape is not None}
    return len(names) == 1 and "None" not in names
