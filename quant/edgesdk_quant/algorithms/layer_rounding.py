"""Layer after layer inside a block: each sees the inputs that the rounded layers before it give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import onnx_ir as ir

from edgesdk_quant.algorithms.layer_input import Matrix, Moments, Seen, moments, rows_of, weight_of
from edgesdk_quant.algorithms.reconstruction import Rounded, Step, put_in_place
from edgesdk_quant.graph import clone, constant, node_named
from edgesdk_quant.operators import bias_place
from edgesdk_quant.placement import WeightSite
from edgesdk_quant.prefix import stream
from edgesdk_quant.progress import Progress
from edgesdk_quant.scheme import Affine

MATRIX_OPS = frozenset({"Conv", "Gemm", "MatMul"})


@dataclass(frozen=True)
class Grid:
    """The steps of rows [G, O, K].

    Attributes:
        steps: float64, broadcasts against the rows.
        zeros: stored value of 0, likewise.
        low: smallest stored value.
        high: largest stored value.
    """

    steps: Matrix
    zeros: Matrix
    low: int
    high: int

    def round(self, rows: Matrix) -> Matrix:
        """The nearest values on the grid."""
        stored = np.clip(np.rint(rows / self.steps) + self.zeros, self.low, self.high)
        return np.asarray((stored - self.zeros) * self.steps)


# (rows, grid, moments, name of the layer) -> (rounded rows, factor of each row's steps [G, O, 1]).
RoundRows = Callable[[Matrix, Grid, Seen, str], tuple[Matrix, Matrix]]


def round_layers(
    step: Step, progress: Progress, round_rows: RoundRows
) -> dict[WeightSite, Rounded]:
    """Round the layers of a block in order; biases take the mean error out (bias correction)."""
    twin = clone(step.twin)
    found = {}
    seen: dict[str, Seen] = {}  # all that feeds a value is rounded before its first reader
    for site in step.block.sites:
        node = node_named(twin.graph, site.node)
        rounded = _round(node, site, step, twin, round_rows, seen)
        put_in_place(twin.graph, site, rounded)
        found[site] = rounded
        progress.advance()
    return found


def _round(
    node: ir.Node,
    site: WeightSite,
    step: Step,
    twin: ir.Model,
    round_rows: RoundRows,
    known: dict[str, Seen],
) -> Rounded:
    weight, parameters = np.asarray(constant(node.inputs[site.index])), step.parameters[site]
    source = node.inputs[0]
    if node.op_type not in MATRIX_OPS or source is None or constant(source) is not None:
        return Rounded(parameters.round_trip(weight), parameters.scale)
    name = str(source.name)
    if name not in known or node.op_type == "Conv":  # rows depend on the kernel
        known[name] = _seen(node, weight.shape, step, twin)
    found = _beside_bias(known[name], biased=bias_place(node) is not None)
    exact = rows_of(node, weight, site.axis)
    grid = grid_of(node, weight.shape, site, parameters)
    rows, factors = round_rows(exact, grid, found, site.node)
    scale = _scaled(parameters, factors, site)
    rounded = weight_of(rows, weight.shape, site.axis)
    return Rounded(rounded, scale, _bias(node, exact, rows, found.whole))


def _seen(node: ir.Node, kernel: tuple[int, ...], step: Step, twin: ir.Model) -> Seen:
    """What enters a layer of the block, sample by sample and by both models."""
    block, prefix = step.block, step.prefix
    ours = stream(twin, block.inputs, [_source(node)], prefix.quantized)
    exact = prefix.exact_inside(block, [_source(prefix.exact_node(str(node.name)))])
    pairs = ((x, y) for (x,), (y,) in zip(exact, ours, strict=True))
    known = moments(node, kernel, islice(pairs, prefix.known))
    return Seen(known, moments(node, kernel, pairs) if prefix.held_out else None)


def _source(node: ir.Node) -> str:
    value = node.inputs[0]
    return str(value.name if value is not None else "")


def _beside_bias(seen: Seen, *, biased: bool) -> Seen:
    held_out = seen.held_out and replace(seen.held_out, biased=biased)
    return Seen(replace(seen.known, biased=biased), held_out)


def grid_of(node: ir.Node, shape: tuple[int, ...], site: WeightSite, stored: Affine) -> Grid:
    """A layer's grid, in the layout of its rows."""
    full = np.ones(shape)
    steps = rows_of(node, full * stored.steps(shape), site.axis)
    zeros = rows_of(node, full * stored.zeros(shape).astype(np.float64), site.axis)
    return Grid(steps, zeros, stored.scheme.low, stored.scheme.high)


def _scaled(parameters: Affine, factors: Matrix, site: WeightSite) -> np.ndarray:
    """Steps times each output channel's factor."""
    each = factors.reshape(-1)
    if parameters.axis is None or parameters.scale.ndim == 0:
        return np.asarray(parameters.scale * each[0], np.float32)
    if not parameters.block:
        return np.asarray(parameters.scale * each, np.float32)
    shape = [1, 1]
    shape[site.axis] = -1
    return np.asarray(parameters.scale * each.reshape(shape), np.float32)


def _bias(node: ir.Node, exact: Matrix, rows: Matrix, found: Moments) -> np.ndarray | None:
    """Bias correction behind the quantized prefix: b + W E[x] - W~ E[x~]."""
    place = bias_place(node)
    bias = constant(place[0].inputs[place[1]]) if place is not None else None
    if bias is None:
        return None
    wanted = np.einsum("gok,gk->go", exact, found.exact_mean)
    shift = wanted - np.einsum("gok,gk->go", rows, found.mean)
    return np.asarray(np.asarray(bias, np.float64).reshape(-1) + shift.reshape(-1), np.float32)
