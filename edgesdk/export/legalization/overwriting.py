"""Updates that overwrite data at computed places, as a decoder writes its key and value caches.

Every place is held against every update; where two name the same place the later one wins.
"""

from __future__ import annotations

import math

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk.export.legalization.selection import from_start
from edgesdk_quant.graph import static_shape
from edgesdk_quant.graph.rewrite import made_by
from edgesdk_runtimes.errors import UnsupportedError

LARGEST_COMPARISON = 1 << 24


def overwrite_elements(write: Composer, node: ir.Node, shape: tuple[int, ...]) -> bool:
    """ScatterElements: updates [.., E, ..] of data [.., N, ..]."""
    given = static_shape(node.inputs[1])
    axis = node.attributes.get_int("axis", 0) % len(shape)
    if given is None or given[:axis] + given[axis + 1 :] != shape[:axis] + shape[axis + 1 :]:
        return False
    check_comparison(math.prod(given) * shape[axis], f"{given[axis]} updates of {shape[axis]} rows")
    indices = from_start(write, _long(write, node.inputs[1]), shape[axis])
    tail = [1] * (len(shape) - axis - 1)
    if given[axis] == 1:
        hit = write("Equal", indices, np.arange(shape[axis]).reshape([-1, *tail]))
        write.replace(write("Where", hit, node.inputs[2], node.inputs[0]))
        return True
    hits = write(
        "Equal",
        write("Unsqueeze", indices, [axis]),
        np.arange(shape[axis]).reshape([-1, 1, *tail]),
    )
    hit, last = _last_hit(write, hits, axis + 1, [given[axis], *tail])
    picked = write("GatherElements", node.inputs[2], last, axis=axis)
    write.replace(write("Where", hit, picked, node.inputs[0]))
    return True


def overwrite_blocks(write: Composer, node: ir.Node, shape: tuple[int, ...]) -> bool:
    """ScatterND: rows of indices [E, depth], each the place of a block of updates [E, ..]."""
    given = static_shape(node.inputs[1])
    if given is None or not given or not 0 < given[-1] <= len(shape):
        return False
    depth, count = given[-1], math.prod(given[:-1])
    outer, block = shape[:depth], shape[depth:]
    check_comparison(math.prod(outer) * count, f"{count} updates of {math.prod(outer)} places")
    indices = write("Reshape", _long(write, node.inputs[1]), [count, depth])
    flat = _flat_places(write, indices, outer)
    updates = write("Reshape", node.inputs[2], [count, *block])
    hit = write("Equal", flat, np.arange(math.prod(outer)).reshape(-1, 1))
    if count == 1:
        picked = write("Reshape", updates, [*(1 for _ in outer), *block])
    else:
        hit, last = _last_hit(write, hit, 1, [count])
        picked = write("Gather", updates, write("Reshape", last, list(outer)), axis=0)
    hit = write("Reshape", hit, [*outer, *(1 for _ in block)])
    write.replace(_choose(write, hit, picked, node.inputs[0]))
    return True


def _choose(write: Composer, hit: ir.Value, picked: ir.Value, data: ir.Value | None) -> ir.Value:
    """Where; a Transpose of the data, which torch puts around, moves to behind it.

    There it meets the one that turns the result back, and both are gone.
    """
    turned = made_by(data, "Transpose")
    order = [] if turned is None else list(turned.attributes.get_ints("perm", []))
    if turned is None or not order:
        return write("Where", hit, picked, data)
    back = [int(i) for i in np.argsort(order)]
    parts = [write("Transpose", value, perm=back) for value in (hit, picked)]
    return write("Transpose", write("Where", *parts, turned.inputs[0]), perm=order)


def check_comparison(size: int, what: str) -> None:
    """Refuse a comparison whose table would fill the memory.

    Raises:
        UnsupportedError: it would.
    """
    if size > LARGEST_COMPARISON:
        raise UnsupportedError(f"{what} are too many")


def _flat_places(write: Composer, indices: ir.Value, outer: tuple[int, ...]) -> ir.Value:
    """int64 [1, E] of rows [E, depth] that index `outer`."""
    total = None
    for dim, size in enumerate(outer):
        column = write("Slice", indices, [dim], [dim + 1], [1])
        places = from_start(write, column, size)
        total = places if total is None else write("Add", write("Mul", total, [size]), places)
    return write("Reshape", total, [1, -1])


def _last_hit(
    write: Composer, hits: ir.Value, axis: int, order: list[int]
) -> tuple[ir.Value, ir.Value]:
    """Of hits [.., N, E, ..]: whether a place is hit at all, and by which update last [.., N, ..].

    Args:
        write: for the nodes.
        hits: bool.
        axis: that of E.
        order: shape of E and what comes behind, the rest 1.
    """
    ranks = np.arange(1, order[0] + 1, dtype=np.float32).reshape(order)
    last = write("ReduceMax", write("Where", hits, ranks, 0.0), [axis], keepdims=0)
    picked = write("Max", write("Sub", last, 1.0), 0.0)
    return write("Greater", last, 0.0), write("Cast", picked, to=int(ir.DataType.INT64))


def _long(write: Composer, indices: ir.Value | None) -> ir.Value:
    return write("Cast", indices, to=int(ir.DataType.INT64))
