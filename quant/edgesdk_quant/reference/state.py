"""What a model keeps from one run to the next."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgesdk_quant.tflite.constants import DTYPES
from edgesdk_quant.tflite.model import Tensor
from edgesdk_runtimes.base import Array


@dataclass(frozen=True)
class State:
    """Empty at the start; operators put values in and replace them, and never change an array.

    Attributes:
        resources: resource variables by the name that VAR_HANDLE gives.
        cells: variable tensors (LSTM state) by (subgraph, tensor).
        initialized: subgraphs that CALL_ONCE has run.
    """

    resources: dict[str, Array] = field(default_factory=dict)
    cells: dict[tuple[int, int], Array] = field(default_factory=dict)
    initialized: set[int] = field(default_factory=set)

    def copy(self) -> State:
        """The same values, apart from what happens later."""
        return State(dict(self.resources), dict(self.cells), set(self.initialized))


def start_of(tensor: Tensor) -> Array:
    """A variable tensor starts at real zero."""
    zero = 0 if tensor.quantization is None else int(tensor.quantization.zero_point[0])
    return np.full(tensor.shape, zero, DTYPES[tensor.type])
