"""Quantized tensors of single-operator models."""

from __future__ import annotations

import numpy as np

from tests.native import integer_rules as rules
from tests.native.integer_rules import Stored, f32
from tests.native.single_op import TensorDef


def stored(dtype: str, scale: float, rng: np.random.Generator) -> Stored:
    """A scale, and a random zero point (0 for int16)."""
    low, high = rules.of(dtype)
    zero = 0 if dtype == "int16" else int(rng.integers(low, high + 1))
    return Stored(dtype, float(f32(scale)), zero)


def tensor(shape: tuple[int, ...], how: Stored) -> TensorDef:
    """An input or output of that shape."""
    return TensorDef(shape, how.dtype, None, (how.scale,), (how.zero,))
