"""GridSample: rows of a flattened image are picked by computed numbers, and weighed.

Jaderberg et al. 2015, "Spatial Transformer Networks", equations 3 (bilinear) and 4 (nearest).
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import static_shape
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

LARGEST_IMAGE = 1 << 24  # float32 counts pixels exactly up to here
Neighbour = tuple[ir.Value, ir.Value | None]  # place along an axis, weight; None is 1


def rewrite_grid_sample(write: Composer, node: ir.Node) -> bool:
    """Linear or nearest sampling of images [N, C, H, W] at places [N, h, w, (x, y)]."""
    shape, grid = static_shape(node.inputs[0]), static_shape(node.inputs[1])
    if shape is None or grid is None:
        return False
    mode = node.attributes.get_string("mode", "linear")
    padding = node.attributes.get_string("padding_mode", "zeros")
    known = mode in ("linear", "nearest") and padding in ("zeros", "border")
    if not known or len(shape) != 4 or math.prod(shape) >= LARGEST_IMAGE * max(shape[1], 1):
        raise UnsupportedError(
            f"it samples {len(shape) - 2} dimensions by {mode} with {padding} outside; images by "
            "linear or nearest with zeros or border outside can be written"
        )
    corners = bool(node.attributes.get_int("align_corners", 0))
    images, channels, height, width = shape
    count = math.prod(grid[:3])
    columns = write.several(
        "Split", write("Reshape", node.inputs[1], [count, 2]), outputs=2, axis=1, num_outputs=2
    )
    across, down = (
        _neighbours(write, write("Reshape", column, [count]), size, mode, padding, corners)
        for column, size in zip(columns, (width, height), strict=True)
    )
    first = np.arange(images).repeat(count // images) * (height * width)
    row = write("Transpose", node.inputs[0], perm=[1, 0, 2, 3])
    row = write("Reshape", row, [channels, images * height * width])
    terms = [_picked(write, row, first, width, x, y) for y, x in itertools.product(down, across)]
    total = terms[0]
    for term in terms[1:]:
        total = write("Add", total, term)
    total = write("Reshape", total, [channels, images, *grid[1:3]])
    write.replace(write("Transpose", total, perm=[1, 0, 2, 3]))
    return True


def _neighbours(
    write: Composer, x: ir.Value, size: int, mode: str, padding: str, corners: bool
) -> list[Neighbour]:
    """Pixels around places in -1..1 along an axis, and what they weigh."""
    slope = (size - 1) / 2 if corners else size / 2
    place = write("Add", write("Mul", x, float(slope)), (size - 1) / 2)
    if padding == "border":
        place = write("Clip", place, 0.0, float(size - 1))
    if mode == "nearest":
        return [_inside(write, write("Round", place), None, size, padding)]
    low = write("Floor", place)
    above = write("Sub", place, low)
    below = write("Sub", 1.0, above)
    high = write("Add", low, 1.0)
    return [_inside(write, at, w, size, padding) for at, w in ((low, below), (high, above))]


def _inside(
    write: Composer, place: ir.Value, weight: ir.Value | None, size: int, padding: str
) -> Neighbour:
    """A pixel of the image for every place; those outside weigh nothing."""
    last = float(size - 1)
    held = write("Clip", place, 0.0, last)
    if padding == "zeros":
        is_held = write("Equal", held, place)
        weight = write("Where", is_held, 1.0 if weight is None else weight, 0.0)
    return held, weight


def _picked(
    write: Composer, row: ir.Value, first: Array, width: int, x: Neighbour, y: Neighbour
) -> ir.Value:
    """Pixels [C, count], weighed, of images in a row; `first`: where the image of each starts."""
    flat = write("Add", write("Mul", y[0], float(width)), x[0])
    if first.any():
        flat = write("Add", flat, first.astype(np.float32))
    picked = write("Gather", row, write("Cast", flat, to=int(ir.DataType.INT32)), axis=1)
    for weight in (x[1], y[1]):
        picked = picked if weight is None else write("Mul", picked, weight)
    return picked


RULES = {"GridSample": rewrite_grid_sample}
