"""ScatterElements and ScatterND at constant places: one Gather from data and updates in a row."""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import constant, static_shape
from edgesdk_runtimes.base import Array


def rewrite_scatter_elements(write: Composer, node: ir.Node) -> bool:
    """Each update stands at its own place but for one axis."""
    shape, indices = static_shape(node.inputs[0]), constant(node.inputs[1])
    if shape is None or indices is None or not _only_overwrites(node):
        return False
    axis = node.attributes.get_int("axis", 0) % len(shape)
    places = np.indices(indices.shape)
    places[axis] = indices.astype(np.int64) % shape[axis]
    return _scatter(write, node, np.ravel_multi_index(tuple(places), shape).ravel())


def rewrite_scatter_nd(write: Composer, node: ir.Node) -> bool:
    """Each row of the indices names the place of a block of updates."""
    shape, indices = static_shape(node.inputs[0]), constant(node.inputs[1])
    if shape is None or indices is None or not _only_overwrites(node):
        return False
    depth = indices.shape[-1]
    rows = indices.astype(np.int64).reshape(-1, depth) % np.array(shape[:depth])
    block = math.prod(shape[depth:])
    first = np.ravel_multi_index(tuple(rows.T), shape[:depth]) * block
    return _scatter(write, node, (first[:, None] + np.arange(block)).ravel())


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
