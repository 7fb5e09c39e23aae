"""Where the damage arises: each tensor of the simulation against the float model's value.

A tensor of the .tflite file carries the name of the ONNX value that it holds; both sides are
compared by that name, in the layout of the file. Where an output leaves through a DEQUANTIZE, the
tensor in front of it holds the value, under a name of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edgesdk.verification.causes import Cause, Evidence, name_cause
from edgesdk.verification.grid import Grid, grid_of
from edgesdk.verification.metrics import Noise
from edgesdk_quant.tflite.model import Model, Operator, Subgraph
from edgesdk_runtimes.base import Array

BULK_PERCENTILE = 99.9
NCHW_TO_NHWC = {3: (0, 2, 1), 4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}


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

    def __init__(self, model: Model, factors: Mapping[str, Array] | None = None) -> None:
        """Prepare for one model.

        Args:
            model: the quantized .tflite model; its main subgraph is looked at.
            factors: value name -> [C], what equalization divided its channels by.
        """
        self._factors = factors or {}
        self._tensors = model.subgraphs[0].tensors
        self._producer = {
            self._tensors[t].name: op for op in model.subgraphs[0].operators for t in op.outputs
        }
        self._tallies = {
            tensor.name: _Tally(grid)
            for tensor in self._tensors
            if tensor.name in self._producer and (grid := grid_of(tensor)) is not None
        }

        self._float_name = _names_of_outputs(model.subgraphs[0])

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
            tally, value = self._tallies[name], floats.get(self._float_name.get(name, name))
            if value is None:
                continue
            actual = tally.grid.real(integers[name])
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
        """The tensors of lowest SQNR, worst first."""
        damages = [self._damage(name) for name, tally in self._tallies.items() if tally.elements]
        return tuple(sorted(damages, key=lambda damage: damage.sqnr_db)[:count])

    def _damage(self, name: str) -> LayerDamage:
        tally, op = self._tallies[name], self._producer[name]
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
        """Names of the operator's inputs that were compared too."""
        names = [self._tensors[t].name for t in op.inputs if t >= 0]
        return [name for name in names if name in self._tallies and self._tallies[name].elements]

    def _weight_bits(self, op: Operator) -> int:
        """Width of the operator's constants, the narrowest; 0 without any."""
        constants = (self._tensors[t] for t in op.inputs if t >= 0)
        return min(
            (_bits(tensor.type) for tensor in constants if tensor.data is not None), default=0
        )

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


def _names_of_outputs(graph: Subgraph) -> dict[str, str]:
    """Name of a tensor that a DEQUANTIZE turns into an output -> name of that output."""
    return {
        graph.tensors[op.inputs[0]].name: graph.tensors[op.outputs[0]].name
        for op in graph.operators
        if op.code == "DEQUANTIZE" and op.outputs[0] in graph.outputs
    }


def in_layout_of(actual: Array, expected: Array) -> Array | None:
    """The float value in the layout of the file's tensor; None where the shapes do not go together.

    Where a shape fits as it is and permuted too (equal sizes), the nearer one is taken: a wrong
    order of dimensions is never nearer than the right one.
    """
    candidates = [expected]
    if expected.ndim in NCHW_TO_NHWC:
        candidates.append(expected.transpose(NCHW_TO_NHWC[expected.ndim]))
    fitting = [array for array in candidates if array.shape == actual.shape]
    if fitting:
        return min(fitting, key=lambda array: float(np.abs(array - actual).sum()))
    return expected.reshape(actual.shape) if _same_but_for_ones(actual, expected) else None


def _same_but_for_ones(one: Array, other: Array) -> bool:
    """Whether the shapes differ in dimensions of size 1 only, e.g. [1, C, 1, 1] and [1, C]."""
    return [d for d in one.shape if d != 1] == [d for d in other.shape if d != 1]
