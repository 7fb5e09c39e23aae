"""What an operator's function sees: its tensors, values and options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgesdk_quant import numerics
from edgesdk_quant.numerics import Grid
from edgesdk_quant.reference.state import State
from edgesdk_quant.tflite.model import Operator, Tensor
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

# Fused activation -> real bounds.
ACTIVATIONS: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}


@dataclass(frozen=True)
class Context:
    """One operator in one run.

    Attributes:
        operator: the operator.
        tensors: all tensors of its subgraph.
        values: value of each tensor that is known by now.
        graph: number of its subgraph.
        state: what the model keeps from run to run.
        run_graph: run a subgraph, by number, on arrays.
    """

    operator: Operator
    tensors: tuple[Tensor, ...]
    values: dict[int, Array]
    graph: int
    state: State
    run_graph: Callable[[int, Sequence[Array]], list[Array]]

    def tensor(self, index: int) -> Tensor:
        """Description of input `index`."""
        return self.tensors[self.operator.inputs[index]]

    def result(self, index: int = 0) -> Tensor:
        """Description of output `index`."""
        return self.tensors[self.operator.outputs[index]]

    def has(self, index: int) -> bool:
        """Whether an optional input is there."""
        return len(self.operator.inputs) > index and self.operator.inputs[index] >= 0

    def value(self, index: int) -> Array:
        """Value of input `index`, as stored."""
        return self.values[self.operator.inputs[index]]

    def numbers(self, index: int) -> list[int]:
        """Value of an input that holds sizes, axes or positions."""
        return [int(number) for number in self.value(index).ravel()]

    def keep(self, index: int, value: Array) -> None:
        """Write input `index`, a variable tensor, for the next run."""
        self.state.cells[self.graph, self.operator.inputs[index]] = value

    @property
    def quantized(self) -> bool:
        """Whether the first output is stored as 8- or 16-bit integers with a scale."""
        return self.result().type in ("INT8", "UINT8", "INT16") and (
            self.result().quantization is not None
        )

    def number(self, name: str, default: float = 0) -> float:
        """A numeric option."""
        value = self.operator.options.get(name, default)
        if isinstance(value, (int, float)):
            return value
        raise UnsupportedError(f"{self.operator.code} option {name} is {value!r}")

    def integer(self, name: str, default: int = 0) -> int:
        """An integer option."""
        return int(self.number(name, default))

    def text(self, name: str, default: str = "") -> str:
        """An option that is a name."""
        return str(self.operator.options.get(name, default))

    def grid(self, index: int) -> Grid:
        """Grid of input `index`."""
        return grid_of(self.tensor(index))

    def result_grid(self, index: int = 0, rounding: Callable[[Array], Array] = np.rint) -> Grid:
        """Grid of output `index`, narrowed by the fused activation; `rounding` of its bounds."""
        name = self.text("fused_activation_function", "NONE")
        return narrowed(grid_of(self.result(index)), name, rounding)

    def activated(self, x: Array) -> Array:
        """Apply the fused activation to floats."""
        low, high = ACTIVATIONS[self.text("fused_activation_function", "NONE")]
        return x if low is None and high is None else np.clip(x, low, high)


def narrowed(grid: Grid, activation: str, rounding: Callable[[Array], Array] = np.rint) -> Grid:
    """A grid within the real bounds of an activation."""
    bound = [
        None
        if real is None
        else int(rounding(np.asarray(np.float32(real) / grid.scale))) + grid.zero_point
        for real in ACTIVATIONS[activation]
    ]
    low = grid.low if bound[0] is None else max(grid.low, bound[0])
    high = grid.high if bound[1] is None else min(grid.high, bound[1])
    return replace(grid, low=low, high=high)


def grid_of(tensor: Tensor) -> Grid:
    """Where the values of a per-tensor quantized tensor live."""
    if tensor.quantization is None:
        raise UnsupportedError(f"{tensor.name} is not quantized")
    low, high = numerics.LIMITS[tensor.type]
    quantization = tensor.quantization
    return Grid(
        tensor.type, np.float32(quantization.scale[0]), int(quantization.zero_point[0]), low, high
    )
