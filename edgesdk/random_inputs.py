"""Arrays that a model takes, for runs of which only time or survival counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgesdk_runtimes.base import Array, TensorSpec


def random_inputs(specs: Sequence[TensorSpec], seed: int = 0) -> list[Array]:
    """Arrays for a model: noise for real-valued inputs, zeros for indices; open sizes are 1."""
    rng = np.random.default_rng(seed)
    return [_random_input(spec, rng) for spec in specs]


def _random_input(spec: TensorSpec, rng: np.random.Generator) -> Array:
    shape = tuple(1 if size is None else size for size in spec.shape)
    if spec.dtype.kind == "f":
        return rng.standard_normal(shape).astype(spec.dtype)
    if spec.dtype.itemsize == 1 and spec.dtype.kind in "iu":
        limits = np.iinfo(spec.dtype)
        return rng.integers(limits.min, limits.max, shape, spec.dtype, endpoint=True)
    return np.zeros(shape, spec.dtype)
