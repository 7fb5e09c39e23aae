"""Where the damage arises: each tensor of the simulation against the float model's value.

A tensor of the .tflite file carries the name of the ONNX value that it holds; both sides are
compared by that name, in the layout of the file; `value_names` knows the exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from edgesdk.verification.causes import Cause, Evidence, name_cause
from edgesdk.verification.grid import Grid, grid_of
from edgesdk.verification.metrics import Noise
from edgesdk.verification.moves import Moves
from edgesdk.verification.value_names import value_names
from edgesdk_quant.tflite.model import Model, Operator
from edgesdk_runtimes.base import Array

BULK_PERCENTILE = 99.9
MOST_DIMENSIONS = 5  # of arrays whose order is looked for


@dataclass(frozen=True)
class LayerDamage:
    """One quantized tensor.

    Attributes:
        tensor: its name in both models.
        op: operator that computes it, e.g. "CONV_2D".
        sqnr_db: against the float model's value, in dB.
        drop_db: SQNR of its worst activation input minus its own, in dB: what this operator adds.
        clipped: share (0..1) of float values beyond the range that its scale can hold.
        cause: the largest source of its noise.
    """

    tensor: str
    op: str
    sqnr_db: float
    drop_db: float
    clipped: float
    cause: Cause


@dataclass
class _Tally:
    """Sums over all samples of one tensor."""

    grid: Grid
    noise: Noise = field(default_factory=Noise)
    clip_noise: float = 0.0
    clipped: int = 0
    elements: int = 0
    bulk: float = 0.0

    def add(self, expected: Array, actual: Array) -> None:
        half_step = self.grid.scale / 2
        low, high = self.grid.low, self.grid.high
        beyond = (expected < low - half_step) | (expected > high + half_step)
        excess = np.where(beyond, expected - np.clip(expected, low, high), 0).astype(np.float64)
        self.noise.add(expected, actual)
        self.clip_noise += float(np.square(excess).sum())
        self.clipped += int(beyond.sum())
        self.elements += expected.size
        self.bulk = max(self.bulk, float(np.percentile(np.abs(expected), BULK_PERCENTILE)))


class LayerComparison:
    """Compares tensors sample by sample and ranks them at the end."""

    def __init__(
        self,
        model: Model,
        factors: Mapping[str, Array] | None = None,
        masked: Set[str] = frozenset(),
    ) -> None:
        """Prepare for one model.

        Args:
            model: the quantized .tflite model; its main subgraph is looked at.
            factors: value name -> [C], what equalization divided its channels by.
            masked: values of which a Softmax gives no weight to what is below their range.
        """
        self._factors, self._masked = factors or {}, masked
        self._tensors = model.subgraphs[0].tensors
        self._moves = Moves(model.subgraphs[0])
        made = (self._tensors[t] for op in model.subgraphs[0].operators for t in op.outputs)
        self._tallies = {
            tensor.name: _Tally(grid) for tensor in made if (grid := grid_of(tensor)) is not None
        }
        self._float_name = value_names(model.subgraphs[0])

    @property
    def wanted(self) -> frozenset[str]:
        """Names of the float model's values that can be compared."""
        return frozenset(self._float_name.get(name, name) for name in self._tallies)

    def add(self, floats: Mapping[str, Array], integers: Mapping[str, Array]) -> None:
        """Take in one sample.

        Args:
            floats: values of the float model by name, in its own layout.
            integers: tensors of the simulation by name, quantized, in the file's layout.
        """
        for name in self._tallies.keys() & integers.keys():
            tally, source = self._tallies[name], self._float_name.get(name, name)
            value = floats.get(source)
            if value is None:
                continue
            actual = tally.grid.real(integers[name])
            if source in self._masked:
                value = np.maximum(value, np.float32(tally.grid.low))
            expected = in_layout_of(actual, self._equalized(name, value))
            if expected is not None:
                tally.add(expected, actual)

    def _equalized(self, name: str, value: Array) -> Array:
        """The float value in the units of the artifact: channels are dimension 1 of a graph's."""
        factors = self._factors.get(name)
        if factors is None or value.ndim < 2 or value.shape[1] != factors.size:
            return value
        return np.asarray(value / factors.reshape((1, -1) + (1,) * (value.ndim - 2)))

    def worst(self, count: int) -> tuple[LayerDamage, ...]:
        """The tensors of lowest SQNR, worst first; of those that only move, the first one."""
        damages = [self._damage(name) for name in self._tallies if self._compared(name) == name]
        return tuple(sorted(damages, key=lambda damage: damage.sqnr_db)[:count])

    def _damage(self, name: str) -> LayerDamage:
        tally, op = self._tallies[name], self._moves.maker(name)
        inputs = {source: self._tallies[source].noise.decibel for source in self._activations(op)}
        source = min(inputs, key=lambda tensor: inputs[tensor], default="")
        own = tally.noise.decibel
        drop = inputs[source] - own if source else 0.0
        evidence = Evidence(
            noise=tally.noise.noise,
            clip_noise=tally.clip_noise,
            rounding_noise=tally.elements * tally.grid.scale**2 / 12,
            clipped=tally.clipped / tally.elements,
            bounds=(tally.grid.low, tally.grid.high),
            bulk=tally.bulk,
            drop_db=drop,
            source=source,
            bias_at_limit=self._bias_at_limit(op),
            weight_bits=self._weight_bits(op),
        )
        return LayerDamage(name, op.code, own, drop, evidence.clipped, name_cause(evidence))

    def _activations(self, op: Operator) -> list[str]:
        """Names of the operator's inputs that were compared too, be it before they were moved."""
        names = (self._compared(self._tensors[t].name) for t in op.inputs if t >= 0)
        return [name for name in names if name]

    def _compared(self, name: str) -> str:
        """The first compared tensor of those that a tensor's values passed through; "" for none."""
        steps = [t for t in self._moves.back(name) if t in self._tallies]
        return next((t for t in reversed(steps) if self._tallies[t].elements), "")

    def _weight_bits(self, op: Operator) -> int:
        """Width of the operator's quantized constants, the narrowest; 0 without any."""
        constants = (self._tensors[t] for t in op.inputs if t >= 0)
        widths = (_bits(t.type) for t in constants if t.data is not None and t.quantization)
        return min(widths, default=0)

    def _bias_at_limit(self, op: Operator) -> bool:
        """Whether a 32-bit constant of the operator was cut off at the end of its range."""
        limits = np.iinfo(np.int32)
        constants = (self._tensors[t] for t in op.inputs if t >= 0)
        return any(
            tensor.type == "INT32"
            and tensor.quantization is not None
            and tensor.data is not None
            and bool(((tensor.data == limits.max) | (tensor.data == limits.min)).any())
            for tensor in constants
        )


def _bits(dtype: str) -> int:
    """Width of an element type: 4 for "INT4"."""
    return int("".join(filter(str.isdigit, dtype)) or 8)


def in_layout_of(actual: Array, expected: Array) -> Array | None:
    """The float value in the layout of the file's tensor; None where the shapes do not go together.

    Where several orders of dimensions fit (equal sizes), the nearest is taken: a wrong one is never
    nearer than the right one.
    """
    candidates = [expected.transpose(order) for order in _orders(expected.shape, actual.shape)]
    if candidates:
        return min(candidates, key=lambda array: float(np.abs(array - actual).sum()))
    return expected.reshape(actual.shape) if _same_but_for_ones(actual, expected) else None


def _orders(given: tuple[int, ...], wanted: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The permutations that turn one shape into another; that of sizes of 1 makes no difference."""
    if len(given) > MOST_DIMENSIONS:
        return [tuple(range(len(given)))] if given == wanted else []
    moved: dict[tuple[int, ...], tuple[int, ...]] = {}
    for order in permutations(range(len(given))):
        if tuple(given[d] for d in order) == wanted:
            moved.setdefault(tuple(d for d in order if given[d] > 1), order)
    return list(moved.values())


def _same_but_for_ones(one: Array, other: Array) -> bool:
    """Whether the shapes differ in dimensions of size 1 only, e.g. [1, C, 1, 1] and [1, C]."""
    return [d for d in one.shape if d != 1] == [d for d in other.shape if d != 1]
