"""ScatterElements and ScatterND, as graph networks collect messages by them.

At constant places: one Gather from data and updates in a row. At computed ones every place is held
against every update.
"""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk.export.legalization.overwriting import (
    check_comparison,
    overwrite_blocks,
    overwrite_elements,
)
from edgesdk.export.legalization.selection import from_start
from edgesdk_quant.graph import constant, static_shape
from edgesdk_runtimes.base import Array

# Reduction -> how updates of one place are joined, what leaves the result alone, and the joining
# with the data.
REDUCTIONS = {
    "add": ("ReduceSum", 0.0, "Add"),
    "max": ("ReduceMax", -np.inf, "Max"),
    "min": ("ReduceMin", np.inf, "Min"),
}


def rewrite_scatter_elements(write: Composer, node: ir.Node) -> bool:
    """Each update stands at its own place but for one axis."""
    shape, indices = static_shape(node.inputs[0]), constant(node.inputs[1])
    if shape is None:
        return False
    if not _only_overwrites(node):
        return _collect_elements(write, node, shape)
    if indices is None:
        return overwrite_elements(write, node, shape)
    axis = node.attributes.get_int("axis", 0) % len(shape)
    places = np.indices(indices.shape)
    places[axis] = indices.astype(np.int64) % shape[axis]
    return _scatter(write, node, np.ravel_multi_index(tuple(places), shape).ravel())


def rewrite_scatter_nd(write: Composer, node: ir.Node) -> bool:
    """Each row of the indices names the place of a block of updates."""
    shape, indices = static_shape(node.inputs[0]), constant(node.inputs[1])
    if shape is None:
        return False
    if not _only_overwrites(node):
        return _add_rows(write, node, shape)
    if indices is None:
        return overwrite_blocks(write, node, shape)
    depth = indices.shape[-1]
    rows = indices.astype(np.int64).reshape(-1, depth) % np.array(shape[:depth])
    block = math.prod(shape[depth:])
    first = np.ravel_multi_index(tuple(rows.T), shape[:depth]) * block
    return _scatter(write, node, (first[:, None] + np.arange(block)).ravel())


def _collect_elements(write: Composer, node: ir.Node, shape: tuple[int, ...]) -> bool:
    """Updates [.., E, ..] against places 0 .. N - 1 of the axis: [.., N, E, ..]."""
    reduction = node.attributes.get_string("reduction", "none")
    given = static_shape(node.inputs[1])
    axis = node.attributes.get_int("axis", 0) % len(shape)
    if given is None or reduction not in REDUCTIONS or not _is_float(node):
        return False
    if given[:axis] + given[axis + 1 :] != shape[:axis] + shape[axis + 1 :]:
        return False
    check_comparison(math.prod(given) * shape[axis], f"{given[axis]} updates of {shape[axis]} rows")
    collect, nothing, join = REDUCTIONS[reduction]
    places = np.arange(shape[axis]).reshape([-1] + [1] * (len(shape) - axis))
    hits = write("Equal", _counted(write, node, shape[axis], axis), places)
    updates = write("Where", hits, write("Unsqueeze", node.inputs[2], [axis]), float(nothing))
    found = write(collect, updates, [axis + 1], keepdims=0)
    write.replace(write(join, node.inputs[0], found))
    return True


def _add_rows(write: Composer, node: ir.Node, shape: tuple[int, ...]) -> bool:
    """Blocks [E, ..] added to rows of [N, ..]: a product with the matrix of hits [N, E]."""
    given = static_shape(node.inputs[1])
    added = node.attributes.get_string("reduction", "none") == "add"
    if given is None or len(given) != 2 or given[1] != 1 or not added or not _is_float(node):
        return False
    indices = write("Reshape", _counted(write, node, shape[0], 0), [1, given[0]])
    hits = write("Equal", indices, np.arange(shape[0])[:, None])
    matrix = write("Cast", hits, to=int(ir.DataType.FLOAT))
    sums = write("MatMul", matrix, write("Reshape", node.inputs[2], [given[0], -1]))
    write.replace(write("Add", node.inputs[0], write("Reshape", sums, list(shape))))
    return True


def _counted(write: Composer, node: ir.Node, size: int, axis: int) -> ir.Value:
    """Indices from the start, int64, with a new dimension of 1."""
    indices = write("Cast", node.inputs[1], to=int(ir.DataType.INT64))
    return write("Unsqueeze", from_start(write, indices, size), [axis])


def _is_float(node: ir.Node) -> bool:
    return node.outputs[0].dtype == ir.DataType.FLOAT


def _only_overwrites(node: ir.Node) -> bool:
    return node.attributes.get_string("reduction", "none") == "none"


def _scatter(write: Composer, node: ir.Node, places: Array) -> bool:
    """Element places[i] of the flat data becomes update i; the last one wins."""
    shape = static_shape(node.inputs[0]) or ()
    source = np.arange(math.prod(shape))
    source[places] = source.size + np.arange(places.size)
    flat = [write("Reshape", node.inputs[i], [-1]) for i in (0, 2)]
    picked = write("Gather", write("Concat", *flat, axis=0), source, axis=0)
    write.replace(write("Reshape", picked, list(shape)))
    return True


RULES = {
    "Scatter": rewrite_scatter_elements,
    "ScatterElements": rewrite_scatter_elements,
    "ScatterND": rewrite_scatter_nd,
}
