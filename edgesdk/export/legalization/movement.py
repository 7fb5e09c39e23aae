"""Pad in the modes that TFLite lacks, empty parts, and what is turned twice."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import constant, static_shape
from edgesdk_quant.graph.rewrite import input_at, made_by
from edgesdk_runtimes.base import Array


def rewrite_pad(write: Composer, node: ir.Node) -> bool:
    """Crop where pads are negative; repeat, wrap or mirror by picking along each dimension."""
    shape, amounts = static_shape(node.inputs[0]), pad_amounts(node)
    if shape is None or amounts is None:
        return False
    mode = node.attributes.get_string("mode", "constant")
    if mode == "constant":
        return _crop(write, node, amounts)
    if mode == "reflect" and (amounts >= 0).all() and (amounts < np.array(shape)[:, None]).all():
        return False
    x = node.inputs[0]
    for axis, (before, after) in enumerate(amounts):
        if before or after:
            picked = _picked(mode, shape[axis], int(before), int(after))
            x = write("Gather", x, picked, axis=axis)
    write.replace(write("Identity", x))
    return True


def pad_amounts(node: ir.Node) -> Array | None:
    """int64 [rank, 2] of a Pad, before and after each dimension; None if not constant."""
    shape, pads, axes = static_shape(node.inputs[0]), constant(node.inputs[1]), input_at(node, 3)
    chosen = constant(axes)
    if shape is None or pads is None or (axes is not None and chosen is None):
        return None
    rank = len(shape)
    at = np.arange(rank) if chosen is None else chosen.astype(np.int64).reshape(-1) % rank
    amounts = np.zeros((rank, 2), np.int64)
    amounts[at] = pads.astype(np.int64).reshape(2, -1).T
    return amounts


def _crop(write: Composer, node: ir.Node, amounts: Array) -> bool:
    axes = [axis for axis in range(len(amounts)) if (amounts[axis] < 0).any()]
    if not axes:
        return False
    starts = [int(max(-amounts[axis][0], 0)) for axis in axes]
    ends = [int(amounts[axis][1]) if amounts[axis][1] < 0 else 2**31 - 1 for axis in axes]
    cropped = write("Slice", node.inputs[0], starts, ends, axes)
    rest = np.maximum(amounts, 0).T.ravel()
    write.replace(write("Pad", cropped, rest, input_at(node, 2)))
    return True


def _picked(mode: str, size: int, before: int, after: int) -> list[int]:
    """Which element of a dimension stands at each place of the padded one."""
    places = np.arange(-before, size + after)
    if mode == "edge":
        places = places.clip(0, size - 1)
    elif mode == "wrap":
        places %= size
    elif mode == "reflect" and size > 1:
        places = np.abs((places + size - 1) % (2 * (size - 1)) - (size - 1))
    else:
        places = np.zeros_like(places)
    return [int(place) for place in places]


def rewrite_split(write: Composer, node: ir.Node) -> bool:
    """Parts of size 0 that nothing reads are left out."""
    axis = node.attributes.get_int("axis", 0)
    shapes = [static_shape(output) for output in node.outputs]
    if any(shape is None for shape in shapes):
        return False
    sizes = [shape[axis] for shape in shapes if shape is not None]
    if (
        all(sizes)
        or not any(sizes)
        or any(not s and o.uses() for s, o in zip(sizes, node.outputs, strict=True))
    ):
        return False
    kept = [i for i, size in enumerate(sizes) if size]
    if len(kept) == 1:
        whole = node.inputs[0]
        parts = [write("Identity", whole)]
    else:
        parts = list(
            write.several(
                "Split", node.inputs[0], [sizes[i] for i in kept], outputs=len(kept), axis=axis
            )
        )
    by_output = dict(zip(kept, parts, strict=True))
    write.replace(*(by_output.get(i, parts[0]) for i in range(len(sizes))))
    return True


def rewrite_concat(write: Composer, node: ir.Node) -> bool:
    """Operands without elements are left out."""
    full = [v for v in node.inputs if 0 not in (static_shape(v) or ())]
    if len(full) == len(node.inputs) or not full:
        return False
    axis = node.attributes.get_int("axis", 0)
    write.replace(
        write("Concat", *full, axis=axis) if len(full) > 1 else write("Identity", full[0])
    )
    return True


def rewrite_transpose(write: Composer, node: ir.Node) -> bool:
    """Two in a row are one, or none."""
    first = made_by(node.inputs[0], "Transpose")
    orders = [n.attributes.get_ints("perm", []) for n in (first, node) if n is not None]
    if first is None or not all(orders):
        return False
    order = [orders[0][i] for i in orders[1]]
    if order == sorted(order):
        write.replace(write("Identity", first.inputs[0]))
    else:
        write.replace(write("Transpose", first.inputs[0], perm=order))
    return True


RULES = {
    "Concat": rewrite_concat,
    "Pad": rewrite_pad,
    "Split": rewrite_split,
    "Transpose": rewrite_transpose,
}
