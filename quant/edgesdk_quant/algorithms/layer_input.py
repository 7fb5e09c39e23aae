"""A weighted layer as a matrix product: its weights as rows, and the second moments of its inputs.

Whatever rounds one layer by its own output needs no more of the data: for weights w and rounded
ones w~ the squared error of the output is (w - w~) H (w - w~)^T, with H = E[x x^T]; where rounded
layers stand before it, E[x x~^T] tells how much of their error w~ can take back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edgesdk_quant.operators import attribute
from edgesdk_runtimes.base import Array

Matrix = NDArray[np.float64]

MOST_ROWS = 1024  # of a sample


@dataclass(frozen=True)
class Moments:
    """What a layer's inputs are like: x~ behind the quantized prefix, x in the float model.

    Attributes:
        second: float64 [G, K, K], mean of x~ x~^T for each group.
        mean: float64 [G, K], of x~.
        cross: float64 [G, K, K], mean of x x~^T.
        exact_mean: float64 [G, K], of x.
        rows: how many input rows were seen.
        biased: the layer has a bias, which takes the mean error away.
    """

    second: Matrix
    mean: Matrix
    cross: Matrix
    exact_mean: Matrix
    rows: int
    biased: bool = False

    @property
    def harm(self) -> Matrix:
        """float64 [G, K, K]: H of the error that stays, E[x~ x~^T], or cov(x~) beside a bias."""
        return self.second - _outer(self.mean, self.mean) if self.biased else self.second

    @property
    def shared(self) -> Matrix:
        """float64 [G, K, K]: E[x x~^T], or the covariance beside a bias."""
        return self.cross - _outer(self.exact_mean, self.mean) if self.biased else self.cross


@dataclass(frozen=True)
class Seen:
    """Moments of samples that a layer is rounded by, and of others that judge.

    Attributes:
        known: of the former.
        held_out: of the latter; None without any.
    """

    known: Moments
    held_out: Moments | None = None

    @property
    def whole(self) -> Moments:
        """Of all samples."""
        return self.known if self.held_out is None else _joined(self.known, self.held_out)


def _outer(left: Matrix, right: Matrix) -> Matrix:
    return left[:, :, None] * right[:, None, :]


def _joined(some: Moments, more: Moments) -> Moments:
    count = some.rows + more.rows

    def both(left: Matrix, right: Matrix) -> Matrix:
        return (left * some.rows + right * more.rows) / count

    return replace(
        some,
        second=both(some.second, more.second),
        mean=both(some.mean, more.mean),
        cross=both(some.cross, more.cross),
        exact_mean=both(some.exact_mean, more.exact_mean),
        rows=count,
    )


def rows_of(node: ir.Node, weight: NDArray[np.generic], axis: int) -> Matrix:
    """Weights as float64 [G, O / G, K], groups first."""
    groups = _groups(node)
    flat = np.moveaxis(np.asarray(weight, np.float64), axis, 0).reshape(weight.shape[axis], -1)
    return flat.reshape(groups, len(flat) // groups, flat.shape[1])


def weight_of(rows: Matrix, shape: tuple[int, ...], axis: int) -> NDArray[np.float32]:
    """The inverse of `rows_of`."""
    moved = [shape[axis], *(size for dim, size in enumerate(shape) if dim != axis)]
    return np.ascontiguousarray(np.moveaxis(rows.reshape(moved), 0, axis), np.float32)


def moments(
    node: ir.Node, kernel: tuple[int, ...], inputs: Iterable[tuple[Array, Array]]
) -> Moments:
    """Second moments of the rows that a layer multiplies its weights with.

    Args:
        node: Conv, Gemm or MatMul.
        kernel: shape of its weights.
        inputs: its first input, sample by sample: in the float model, and behind the prefix.
    """
    sums: list[Matrix] = []
    count = 0
    for pair in inputs:
        exact, ours = (_some_rows(node, kernel, x) for x in pair)
        turned = np.swapaxes(ours, 1, 2)
        added = [
            turned @ ours,
            ours.sum(axis=1),
            np.swapaxes(exact, 1, 2) @ ours,
            exact.sum(axis=1),
        ]
        sums = [old + new for old, new in zip(sums, added, strict=True)] if sums else added
        count += ours.shape[1]
    if not sums:
        raise ValueError("no input was given")
    second, mean, cross, exact_mean = (total / count for total in sums)
    return Moments(second, mean, cross, exact_mean, count)


def _some_rows(node: ir.Node, kernel: tuple[int, ...], x: Array) -> Matrix:
    """float64 [G, R, K] of a sample; neighbours on large maps tell next to nothing new."""
    rows = input_rows(node, kernel, x)
    return rows[:, :: -(-rows.shape[1] // MOST_ROWS)].astype(np.float64)


def input_rows(node: ir.Node, kernel: tuple[int, ...], x: Array) -> NDArray[np.float32]:
    """float32 [G, R, K]: what each output position sees."""
    if node.op_type != "Conv":
        return x.reshape(1, -1, x.shape[-1])
    rank = len(kernel) - 2
    strides = list(node.attributes.get_ints("strides", [1] * rank))
    dilations = list(node.attributes.get_ints("dilations", [1] * rank))
    pads = list(node.attributes.get_ints("pads", [0] * (2 * rank)))
    padding = [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)]
    spans = [(size - 1) * d + 1 for size, d in zip(kernel[2:], dilations, strict=True)]
    axes = tuple(range(2, 2 + rank))
    windows = sliding_window_view(np.pad(x, padding), spans, axis=axes)
    whole = [slice(None)] * (2 + rank)
    windows = windows[tuple([*whole, *(slice(None, None, d) for d in dilations)])]
    windows = windows[tuple([*whole[:2], *(slice(None, None, s) for s in strides)])]
    groups = _groups(node)
    channels_first = np.moveaxis(windows, 1, 1 + rank)  # [N, spatial..., C, kernel...]
    rows = channels_first.reshape(-1, groups, np.prod(kernel[1:], dtype=int))
    return np.ascontiguousarray(np.swapaxes(rows, 0, 1), np.float32)


def _groups(node: ir.Node) -> int:
    return int(attribute(node, "group", 1)) if node.op_type == "Conv" else 1
