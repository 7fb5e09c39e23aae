"""Distillation: roundings, steps, biases and norms learn together, from the float network.

Each layer is rounded by then, and what is left is the error of the network as a whole. The float
network says what is right for any input, so no labels are needed (Hinton et al. 2015, "Distilling
the Knowledge in a Neural Network"). That steps learn end to end once the weights are rounded is the
second phase of Chen et al. 2024, "EfficientQAT: Efficient Quantization-Aware Training for Large
Language Models", section 3.3; here roundings may still change too, by a straight-through gradient.
Few samples are soon learnt by heart: some are held out, and what serves these best is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgesdk_quant.progress import Progress
from edgesdk_quant.scheme import Affine, block_scale
from edgesdk_quant.torch_graph import TorchGraph, round_through
from edgesdk_runtimes.base import Array

Samples = Mapping[str, Sequence[Array]]

CHECKS = 8  # how often the held-out samples are asked
# How near a rounding starts to the next one, at most, in steps of the grid.
MARGIN = 0.4


@dataclass(frozen=True)
class Settings:
    """How long and how fast it learns.

    Attributes:
        iterations: steps.
        batch: samples of a step.
        rate: first learning rate (Adam) of steps, as a share of each, and of biases and norms, in
            deviations of each.
        rounding_rate: of the roundings, in steps of the weights' grid.
    """

    iterations: int
    batch: int = 8
    rate: float = 0.001
    rounding_rate: float = 0.01


class RoundedLayer:
    """A layer whose weights are on their grid, and learn to be elsewhere on it."""

    def __init__(
        self, weight: NDArray[np.float32], exact: NDArray[np.float32], stored: Affine
    ) -> None:
        """Start with what was found.

        Args:
            weight: on the grid.
            exact: float weights of the same shape: a rounding that they are near to changes first.
            stored: the grid.
        """
        steps, zeros = stored.steps(weight.shape), stored.zeros(weight.shape).astype(np.float32)
        places = np.rint(weight / steps)
        toward = np.clip(exact / steps - places, -MARGIN, MARGIN)
        self._stored = stored
        self._shape = weight.shape
        self._low, self._high = (
            torch.from_numpy(np.array(end - zeros, np.float32))
            for end in (stored.scheme.low, stored.scheme.high)
        )
        self.places = torch.from_numpy(np.array(places + toward, np.float32)).requires_grad_()
        self.factors = torch.ones(stored.scale.shape, requires_grad=True)

    def weights(self, factors: Tensor | None = None) -> Tensor:
        """The weights, with the steps as they are or times other factors."""
        scale = torch.from_numpy(np.array(self._stored.scale, np.float32))
        steps = scale * (self.factors if factors is None else factors)
        places = torch.minimum(torch.maximum(round_through(self.places), self._low), self._high)
        return places * self._along(steps)

    def settled(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights and steps, these as a file can hold them."""
        with torch.no_grad():
            scale = (torch.from_numpy(np.array(self._stored.scale)) * self.factors).numpy()
            held = block_scale(scale) if self._stored.block else scale
            factors = torch.from_numpy(np.array(held / self._stored.scale, np.float32))
            return self.weights(factors).numpy(), held

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
        self._vectors = {name: torch.from_numpy(array) for name, array in vectors.items()}
        self._shifts = {
            n: torch.zeros_like(v, requires_grad=True) for n, v in self._vectors.items()
        }

    def learn(self, samples: Samples, held_out: Samples, progress: Progress) -> None:
        """Learn from samples; what is best on the held-out ones is kept.

        Args:
            samples: input name -> arrays, one a sample.
            held_out: the same of other samples.
            progress: told after each step.
        """
        rounding, finer = self._learnt()
        groups = [
            {"params": rounding, "lr": self._settings.rounding_rate},
            {"params": finer, "lr": self._settings.rate},
        ]
        optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99))
        total = self._settings.iterations
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)
        count = len(next(iter(samples.values())))
        draws = torch.Generator().manual_seed(0)
        best = self._error_on(held_out), self._copy()
        for step in range(1, total + 1):
            chosen = torch.randint(count, (min(self._settings.batch, count),), generator=draws)
            optimizer.zero_grad(set_to_none=True)
            error = self._error({n: _batch(a, chosen.tolist()) for n, a in samples.items()})
            error.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            decay.step()
            if step % max(total // CHECKS, 1) == 0:
                best = min(best, (self._error_on(held_out), self._copy()), key=lambda b: b[0])
            progress.advance()
        with torch.no_grad():
            for tensor, kept in zip([*rounding, *finer], best[1], strict=True):
                tensor.copy_(kept)

    def vectors(self) -> dict[str, NDArray[np.float32]]:
        """Biases and norms as they are now, by name."""
        with torch.no_grad():
            return {name: vector.numpy() for name, vector in self._shifted().items()}

    def _learnt(self) -> tuple[list[Tensor], list[Tensor]]:
        layers = self._layers.values()
        return [x.places for x in layers], [x.factors for x in layers] + [*self._shifts.values()]

    def _copy(self) -> list[Tensor]:
        rounding, finer = self._learnt()
        return [tensor.detach().clone() for tensor in [*rounding, *finer]]

    def _shifted(self) -> dict[str, Tensor]:
        """Each vector moved in units of its own size."""
        return {
            name: vector + self._shifts[name] * vector.square().mean().sqrt()
            for name, vector in self._vectors.items()
        }

    def _error_on(self, samples: Samples) -> float:
        count = len(next(iter(samples.values())))
        with torch.no_grad():
            return float(self._error({n: _batch(a, range(count)) for n, a in samples.items()}))

    def _error(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Squared error of the targets, each relative to its power."""
        with torch.no_grad():
            wanted = self._exact.run(inputs)
        learnt = {name: layer.weights() for name, layer in self._layers.items()}
        found = self._quantized.run(inputs, {**learnt, **self._shifted()})
        errors = [
            (found[name] - wanted[name]).square().mean() / wanted[name].square().mean().clamp(1e-12)
            for name in self._targets
        ]
        return torch.stack(errors).sum()


def _batch(arrays: Sequence[Array], chosen: Sequence[int]) -> Tensor:
    return torch.from_numpy(np.concatenate([arrays[i] for i in chosen]))
