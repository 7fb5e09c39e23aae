"""A session that gives back what it gets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgesdk_runtimes.base import Array, TensorSpec


class Echo:
    """Keeps what it received last; its only output is its only input."""

    def __init__(self, spec: TensorSpec) -> None:
        """Declare this input and output."""
        self.inputs = self.outputs = (spec,)
        self.received: Array = np.empty(0)

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        self.received = arrays[0]
        return list(arrays)

    def close(self) -> None:
        self.inputs = self.outputs
