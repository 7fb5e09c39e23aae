"""Orders of dimensions: how one survives the operators that move or regroup dimensions.

A permutation says that dimension i of a tensor in the file is dimension permutation[i] of the ONNX
value; (0, 2, 3, 1) is NHWC.
"""

from __future__ import annotations

from collections.abc import Sequence

Permutation = tuple[int, ...]

# NCHW -> NHWC for 1, 2 and 3 spatial dimensions.
CHANNELS_LAST: dict[int, Permutation] = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}


def plain(rank: int) -> Permutation:
    """The order of the ONNX value itself."""
    return tuple(range(rank))


def reshaped(
    permutation: Permutation, before: Sequence[int], after: Sequence[int]
) -> Permutation | None:
    """The order that a reshape leaves when the file's bytes stay where they are.

    Args:
        permutation: the order before.
        before: sizes of the ONNX value before.
        after: its sizes after.

    Returns:
        None where dimensions are merged that do not lie side by side in the file.
    """
    groups = _groups(before, after)
    if groups is None:
        return None
    stored = [dim for dim in permutation if before[dim] != 1]
    order: list[int] = []
    while stored:
        sources, results = next(group for group in groups if stored[0] in group[0])
        if tuple(stored[: len(sources)]) != sources:
            return None
        del stored[: len(sources)]
        order += results
    ones = [dim for dim, size in enumerate(after) if size == 1]
    return (*ones, *order)


def _groups(
    before: Sequence[int], after: Sequence[int]
) -> list[tuple[Permutation, Permutation]] | None:
    """Smallest runs of dimensions with the same number of values, sizes of 1 left out."""
    left = [dim for dim, size in enumerate(before) if size != 1]
    right = [dim for dim, size in enumerate(after) if size != 1]
    groups = []
    while left and right:
        sources, results = [left.pop(0)], [right.pop(0)]
        n, m = before[sources[0]], after[results[0]]
        while n != m:
            if n < m and left:
                sources.append(left.pop(0))
                n *= before[sources[-1]]
            elif n > m and right:
                results.append(right.pop(0))
                m *= after[results[-1]]
            else:
                return None
        groups.append((tuple(sources), tuple(results)))
    return None if left or right else groups


def transposed(permutation: Permutation, axes: Sequence[int]) -> Permutation:
    """The order after an ONNX Transpose that moves no bytes: its output j is input axes[j]."""
    return tuple(list(axes).index(dim) for dim in permutation)


def reduced(permutation: Permutation, axes: set[int]) -> Permutation:
    """The order after dimensions are dropped."""
    left = [dim for dim in permutation if dim not in axes]
    return tuple(sorted(left).index(dim) for dim in left)


def replaced(permutation: Permutation, axis: int, count: int) -> Permutation:
    """The order after `count` dimensions, side by side, took the place of one (Gather)."""
    order: list[int] = []
    for dim in permutation:
        if dim == axis:
            order += range(axis, axis + count)
        else:
            order.append(dim if dim < axis else dim + count - 1)
    return tuple(order)
