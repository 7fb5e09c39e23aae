"""Integer inputs and outputs of a model, shown as the real numbers that they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgesdk_runtimes.base import Array, Session, TensorSpec


@dataclass(frozen=True)
class RealBorderSession:
    """A session whose integer inputs and outputs are shown as the real numbers that they mean."""

    session: Session

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return tuple(_real_spec(spec) for spec in self.session.inputs)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return tuple(_real_spec(spec) for spec in self.session.outputs)

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        inputs = [_to_file(s, a) for s, a in zip(self.session.inputs, arrays, strict=True)]
        outputs = self.session.run(inputs)
        return [_to_real(s, a) for s, a in zip(self.session.outputs, outputs, strict=True)]

    def close(self) -> None:
        self.session.close()


def _is_quantized(spec: TensorSpec) -> bool:
    return spec.scale is not None and spec.dtype.kind in "iu"


def _real_spec(spec: TensorSpec) -> TensorSpec:
    if not _is_quantized(spec):
        return spec
    return replace(spec, dtype=np.dtype(np.float32), scale=None, zero_point=None)


def _to_file(spec: TensorSpec, array: Array) -> Array:
    if not _is_quantized(spec):
        return array
    limits = np.iinfo(spec.dtype)
    steps = np.rint(array / np.float32(spec.scale or 1)) + (spec.zero_point or 0)
    clipped: Array = np.clip(steps, limits.min, limits.max)
    return clipped.astype(spec.dtype)


def _to_real(spec: TensorSpec, array: Array) -> Array:
    if not _is_quantized(spec):
        return array
    steps = array.astype(np.float32) - np.float32(spec.zero_point or 0)
    return (steps * np.float32(spec.scale or 1)).astype(np.float32)
