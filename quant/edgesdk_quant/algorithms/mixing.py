"""Cross-layer equalization by matrices: mix the channels of values that nothing nonlinear touches.

Between the narrow ends of inverted residual blocks ("linear bottlenecks", Sandler et al. 2018,
"MobileNetV2", section 3.2) there are additions at most. Whoever writes such channels may write T x
instead, if whoever reads them multiplies with T^-1: the float result is the same for every
invertible T (Ashkboos et al. 2024, "SliceGPT", section 3.1, there for orthogonal ones). Scaling
channels, as equalization does, is the diagonal case. No byte and no operation is added.

T = Q M^(1/2). A writer's row w_c is rounded with an error in proportion to its length, which the
readers' columns r_c take to their results: the noise goes with the sum of |w_c|^2 |r_c|^2. The
orthogonal Q spreads each channel over all, so that no row is longer than the others and few
weights stand out (Chee et al. 2023, "QuIP", section 4, incoherence). Then the sum is
tr(A M) tr(S M^-1) / C, with A of all writers' W W^T and S of all readers' R^T R, and least
(Cauchy-Schwarz) where M A M = S: M is the geometric mean of A^-1 and S (Bhatia 2007, "Positive
Definite Matrices", chapter 4). The weights alone say so; no data is needed.

Activations need not gain: where few directions carry nearly all, 8 bits may hold mixed channels
worse than the old ones. The caller sees that when it calibrates, and spares them.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.algorithms.channel_groups import (
    ChannelGroup,
    channel_groups,
    group_count,
    put_constant,
    weight_of,
)
from edgesdk_quant.graph import constant
from edgesdk_quant.operators import Weighted
from edgesdk_quant.recipe import Recipe

Matrix = NDArray[np.float64]

# Directions that are hardly written or read are taken for this share of the mean.
FLOOR = 1e-3


def mix_channels(model: ir.Model, recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """Mix channels in place, wherever it is possible and asked for; the outputs stay what they are.

    The same weights give the same mixing: it can be done again to compare values inside.

    Args:
        model: float graph in normal form.
        recipe: asks for it; its overrides may spare the results of some nodes.

    Returns:
        Name of each value whose channels are mixed -> names of the nodes that write its channels.
    """
    mixed = {}
    for group in channel_groups(model.graph) if recipe.algorithms.mixing else ():
        writers = tuple(str(edge.node.name) for edge in group.writers)
        if _is_mixable(group) and all(recipe.override_for(name).mixing for name in writers):
            _mix(model.graph, group)
            mixed.update(dict.fromkeys((str(value.name) for value in group.values), writers))
    return mixed


def mixing_of(writing: Matrix, reading: Matrix) -> Matrix:
    """T, of determinant 1 but for its sign.

    Args:
        writing: float64 [C, C], the sum of the writers' W W^T.
        reading: float64 [C, C], the sum of the readers' R^T R.
    """
    written, read = _floored(writing), _floored(reading)
    half = _power(written, 0.5)
    back = _power(written, -0.5)
    metric = back @ _power(half @ read @ half, 0.5) @ back
    root = _power(metric, 0.5)
    level = np.exp(np.linalg.slogdet(root).logabsdet / len(root))
    return np.asarray(spread(len(root)) @ root / level)


def spread(channels: int) -> Matrix:
    """Orthogonal [C, C]: the discrete cosine transform of channels with random signs."""
    at = np.arange(channels)
    waves = np.cos(np.pi / channels * at[:, None] * (at[None, :] + 0.5))
    waves[0] /= np.sqrt(2)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], channels)
    return np.asarray(np.sqrt(2 / channels) * waves * signs)


def _floored(matrix: Matrix) -> Matrix:
    size = len(matrix)
    level = max(float(np.trace(matrix)) / size, 1e-30)
    floored = matrix.copy()
    np.fill_diagonal(floored, np.diag(matrix) + FLOOR * level)
    return floored


def _power(matrix: Matrix, exponent: float) -> Matrix:
    """Of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh(matrix)  # reads one triangle
    values = np.maximum(values, values[-1] * 1e-12)
    return np.asarray((vectors * values**exponent) @ vectors.T)


def _is_mixable(group: ChannelGroup) -> bool:
    edges = (*group.writers, *group.readers)
    rows = all(_bias(edge).size in (0, 1, group.channels) for edge in group.writers)
    apart = any(group_count(edge) > 1 for edge in edges)
    return group.linear and group.channels > 1 and rows and not apart


def _bias(edge: Weighted) -> Matrix:
    """Flat, empty without; a Gemm may add a number, or a row to each row."""
    array = constant(edge.bias)
    return np.zeros(0) if array is None else np.asarray(array, np.float64).reshape(-1)


def _mix(graph: ir.Graph, group: ChannelGroup) -> None:
    writing = np.sum([_gram(_rows(edge), group.channels) for edge in group.writers], axis=0)
    columns = (np.moveaxis(_rows(edge), 1, 0) for edge in group.readers)
    reading = np.sum([_gram(each, group.channels) for each in columns], axis=0)
    mixing = mixing_of(writing, reading)
    for edge in group.writers:
        _put_rows(graph, edge, np.tensordot(mixing, _rows(edge), 1))
        if edge.bias is not None:
            row = np.broadcast_to(_bias(edge), (group.channels,))
            put_constant(graph, edge, 2, mixing @ row, "mixed")
    inverse = np.linalg.inv(mixing)
    for edge in group.readers:
        mixed = np.tensordot(_rows(edge), inverse, (1, 0))
        _put_rows(graph, edge, np.moveaxis(mixed, -1, 1))


def _rows(edge: Weighted) -> Matrix:
    """Weights [O, I, kernel...]: output channels first."""
    return np.moveaxis(weight_of(edge), edge.axis, 0)


def _put_rows(graph: ir.Graph, edge: Weighted, rows: Matrix) -> None:
    put_constant(graph, edge, 1, np.moveaxis(rows, 0, edge.axis), "mixed")


def _gram(rows: Matrix, channels: int) -> Matrix:
    flat = rows.reshape(channels, -1)
    return np.asarray(flat @ flat.T)
