"""Distillation: steps, biases and norms learn together, from the float network.

Each layer is rounded by then, and what is left is the error of the network as a whole. Stored
integers stay; the steps they are multiples of learn end to end, as in the second phase of Chen et
al. 2024, "EfficientQAT: Efficient Quantization-Aware Training for Large Language Models", section
3.3, and biases and norms beside them. The float network says what is right for any input, so no
labels are needed (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network"). Few samples
are soon learnt by heart: some are held out, and what serves these best is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgesdk_quant.progress import Progress
from edgesdk_quant.scheme import Affine, block_scale
from edgesdk_quant.torch_graph import TorchGraph
from edgesdk_quant.torch_graph.batches import Samples, groups, joined, takes_batches

CHECKS = 8  # how often the held-out samples are asked


@dataclass(frozen=True)
class Settings:
    """How long and how fast it learns.

    Attributes:
        iterations: steps.
        batch: samples of a step.
        rate: first learning rate (Adam) of the grids' steps, as a share of each, and of biases and
            norms, as a share of their root mean square.
    """

    iterations: int
    batch: int = 8
    rate: float = 0.001


class RoundedLayer:
    """A layer whose stored integers stay and whose steps learn."""

    def __init__(self, weight: NDArray[np.float32], stored: Affine) -> None:
        """Take weights on their grid."""
        self._stored, self._shape = stored, weight.shape
        self._places = torch.from_numpy(np.rint(weight / stored.steps(weight.shape)))
        self._scale = torch.from_numpy(np.array(stored.scale, np.float32))
        self.factors = torch.ones(stored.scale.shape, requires_grad=True)

    def weights(self) -> Tensor:
        """The weights with the steps as they are now."""
        return self._places * self._along(self._scale * self.factors)

    def settled(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights and steps, these as a file can hold them."""
        with torch.no_grad():
            scale = (self._scale * self.factors).numpy()
            held = block_scale(scale) if self._stored.block else scale
            return (self._places * self._along(torch.from_numpy(held))).numpy(), held

    def _along(self, steps: Tensor) -> Tensor:
        axis = self._stored.axis
        if axis is None:
            return steps
        if self._stored.block:
            each = steps.repeat_interleave(self._stored.block, dim=axis)
            return each.narrow(axis, 0, self._shape[axis])
        wanted = [1] * len(self._shape)
        wanted[axis] = -1
        return steps.reshape(wanted)


class Distiller:
    """Brings a network with rounded weights near to the float one."""

    def __init__(
        self,
        exact: TorchGraph,
        quantized: TorchGraph,
        layers: Mapping[str, RoundedLayer],
        vectors: Mapping[str, NDArray[np.float32]],
        targets: Sequence[str],
        settings: Settings,
    ) -> None:
        """Take both networks.

        Args:
            exact: the float one.
            quantized: the other one, with the same names.
            layers: name of the weights -> what learns in their place.
            vectors: name of a bias, or of a norm's gain or bias -> what it is.
            targets: names of float values that shall be alike, each as much as the others.
            settings: how it learns.
        """
        self._exact, self._quantized = exact, quantized
        self._layers, self._targets, self._settings = layers, targets, settings
        self._together = True
        self._vectors = {name: torch.from_numpy(array) for name, array in vectors.items()}
        self._shifts = {
            name: torch.zeros_like(vector, requires_grad=True)
            for name, vector in self._vectors.items()
        }

    def learn(self, samples: Samples, held_out: Samples, progress: Progress) -> None:
        """Learn from samples; what is best on the held-out ones is kept.

        Args:
            samples: input name -> arrays, one a sample.
            held_out: the same of other samples.
            progress: told after each step.
        """
        learnt = [*(layer.factors for layer in self._layers.values()), *self._shifts.values()]
        optimizer = torch.optim.Adam(learnt, self._settings.rate, betas=(0.9, 0.99))
        total = self._settings.iterations
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)
        self._together = takes_batches(self._exact, samples, self._targets)
        lessons, test = _Lessons(self, samples), _Lessons(self, held_out)
        draws = torch.Generator().manual_seed(0)
        best = self._error_on(test), _copies(learnt)
        for step in range(1, total + 1):
            chosen = torch.randint(len(lessons), (self._settings.batch,), generator=draws)
            optimizer.zero_grad(set_to_none=True)
            for group in groups(chosen.tolist(), self._together):
                error = self._error(lessons, group) * (len(group) / len(chosen))
                error.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            decay.step()
            if step % max(total // CHECKS, 1) == 0:
                best = min(best, (self._error_on(test), _copies(learnt)), key=lambda b: b[0])
            progress.advance()
        with torch.no_grad():
            for tensor, kept in zip(learnt, best[1], strict=True):
                tensor.copy_(kept)

    def vectors(self) -> dict[str, NDArray[np.float32]]:
        """Biases and norms as they are now, by name."""
        with torch.no_grad():
            return {name: vector.numpy() for name, vector in self._shifted().items()}

    def wanted(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """The targets in the float network."""
        with torch.no_grad():
            values = self._exact.run(inputs)
        return [values[name] for name in self._targets]

    def _shifted(self) -> dict[str, Tensor]:
        """Each vector moved in units of its own size."""
        return {
            name: vector + self._shifts[name] * vector.square().mean().sqrt()
            for name, vector in self._vectors.items()
        }

    def _error_on(self, lessons: _Lessons) -> float:
        """Of all samples, a batch at a time."""
        batch, count = self._settings.batch if self._together else 1, len(lessons)
        parts = [range(start, min(start + batch, count)) for start in range(0, count, batch)]
        with torch.no_grad():
            return sum(float(self._error(lessons, part)) * len(part) for part in parts) / count

    def _error(self, lessons: _Lessons, chosen: Iterable[int]) -> Tensor:
        inputs, wanted = lessons.batch(chosen)
        learnt = {name: layer.weights() for name, layer in self._layers.items()}
        values = self._quantized.run(inputs, {**learnt, **self._shifted()})
        return relative_error([values[name] for name in self._targets], wanted)


def relative_error(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Squared errors, each relative to the power of what is wanted, added up: float32 []."""
    errors = [
        (value - target).square().mean() / target.square().mean().clamp(1e-12)
        for value, target in zip(found, wanted, strict=True)
    ]
    return torch.stack(errors).sum()


class _Lessons:
    """Samples, and what the float network makes of them: computed once, when first asked for."""

    def __init__(self, distiller: Distiller, samples: Samples) -> None:
        self._distiller, self._samples = distiller, samples
        self._wanted: dict[int, list[Tensor]] = {}

    def __len__(self) -> int:
        return len(next(iter(self._samples.values())))

    def batch(self, chosen: Iterable[int]) -> tuple[dict[str, Tensor], list[Tensor]]:
        """Inputs by name, and the targets in order."""
        picked = list(chosen)
        each = [self._target(index) for index in picked]
        wanted = [torch.cat(parts) for parts in zip(*each, strict=True)]
        return joined(self._samples, picked), wanted

    def _target(self, index: int) -> list[Tensor]:
        if index not in self._wanted:
            self._wanted[index] = self._distiller.wanted(joined(self._samples, [index]))
        return self._wanted[index]


def _copies(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]
