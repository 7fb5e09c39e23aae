"""AdaRound over blocks: learn for each weight whether it is rounded up or down.

Nagel et al. 2020, "Up or Down? Adaptive Rounding for Post-Training Quantization", equation 21: of
the two neighbours of w / s, clip(floor(w / s) + {0, 1}), those are chosen that make ||y - y~||^2
least. As in Li et al. 2021 (BRECQ, algorithm 1) y is the output of a whole block; the block's input
mixes the exact and the quantized prefix, element by element (Wei et al. 2022, "QDrop", equation 8).
Biases learn along. It starts from a rounding that is good already (GPTQ's), and where that took a
weight further than to a neighbour, its choice stays open. The choice learns by a straight-through
gradient with a cosine decay instead of the paper's rectified sigmoid, and slowly: faster, or for
longer, it learns the samples by heart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgesdk_quant.progress import Progress
from edgesdk_quant.scheme import Affine
from edgesdk_quant.torch_graph import TorchGraph
from edgesdk_quant.torch_graph.batches import Samples, groups, joined, takes_batches
from edgesdk_quant.torch_graph.fake_quantize import round_through

CORRECTION_SAMPLES = 64  # biases have few degrees of freedom


@dataclass(frozen=True)
class Settings:
    """How long and how fast it learns.

    Attributes:
        iterations: steps for each block.
        batch: samples of a step.
        rate: first learning rate of the roundings (Adam), in steps of the weights' grid.
        bias_rate: first learning rate of the biases, in deviations of the layer's output.
        exact_inputs: share of the input's elements that come from the float model.
        margin: how far from the start's place on the grid a weight begins at most, in steps: at 0.5
            it would be about to leave.
    """

    iterations: int = 200
    batch: int = 8
    rate: float = 0.005
    bias_rate: float = 0.002
    exact_inputs: float = 0.5
    margin: float = 0.45


@dataclass(frozen=True)
class Layer:
    """A layer that learns.

    Attributes:
        output: name of its result.
        weight: name of its weights in the block's graph.
        bias: name of its bias, "" without.
        exact: float weights.
        start: the same on their grid, rounded in some good way.
        parameters: how they are stored.
        exact_bias: float bias, None without.
    """

    output: str
    weight: str
    bias: str
    exact: NDArray[np.float32]
    start: NDArray[np.float32]
    parameters: Affine
    exact_bias: NDArray[np.float32] | None = None


class _Rounding:
    """The learnt rounding of one layer's weights."""

    def __init__(self, layer: Layer, margin: float) -> None:
        scheme, shape = layer.parameters.scheme, layer.exact.shape
        zero = layer.parameters.zeros(shape).astype(np.float32)
        self._step = torch.from_numpy(np.array(layer.parameters.steps(shape)))
        self._place = torch.from_numpy(layer.exact) / self._step
        ends = [torch.from_numpy(end - zero) for end in (scheme.low, scheme.high)]
        start = torch.round(torch.from_numpy(layer.start) / self._step)
        self._low = torch.minimum(torch.floor(self._place).clamp(*ends), start)
        self._high = torch.maximum(torch.ceil(self._place).clamp(*ends), start)
        near = torch.minimum(torch.maximum(self._place, start - margin), start + margin)
        self.move = (near - self._place).requires_grad_(True)

    def weights(self) -> Tensor:
        """On the grid: the neighbour below or above, the start, or the end of the range."""
        moved = torch.maximum(self._place + self.move, self._low)
        return round_through(torch.minimum(moved, self._high)) * self._step


class BlockLearner:
    """Learns the rounding of one block."""

    def __init__(self, graph: TorchGraph, layers: Sequence[Layer], settings: Settings) -> None:
        self._graph = graph
        self._layers = layers
        self._settings = settings
        self._roundings = [_Rounding(layer, settings.margin) for layer in layers]
        self._shifts = {
            layer.bias: torch.zeros(layer.exact_bias.shape, requires_grad=True)
            for layer in layers
            if layer.exact_bias is not None
        }
        self._units: dict[str, Tensor] = {}
        self._together = True

    @property
    def _at_once(self) -> int:
        return self._settings.batch if self._together else 1

    def learn(
        self, exact: Samples, quantized: Samples, targets: Samples, seed: int, progress: Progress
    ) -> dict[str, NDArray[np.float32]]:
        """Weights on their grid and biases, by name.

        Args:
            exact: inputs of the block in the float model.
            quantized: the same behind the quantized prefix.
            targets: outputs of the block in the float model.
            seed: of the draws; the same seed gives the same weights.
            progress: told after each iteration.
        """
        draws = torch.Generator().manual_seed(seed)
        self._together = takes_batches(self._graph, exact, list(targets))
        self._measure_units(quantized)
        self._correct_biases(exact, quantized)
        optimizer = torch.optim.Adam(
            [
                {"params": [r.move for r in self._roundings], "lr": self._settings.rate},
                {"params": list(self._shifts.values()), "lr": self._settings.bias_rate},
            ],
            betas=(0.9, 0.99),
        )
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self._settings.iterations)
        count = len(next(iter(targets.values())))
        for _ in range(self._settings.iterations):
            chosen = torch.randint(count, (min(self._settings.batch, count),), generator=draws)
            optimizer.zero_grad(set_to_none=True)
            for group in groups(chosen.tolist(), self._together):
                inputs = self._mixed(exact, quantized, group, draws)
                error = self._error(self._graph.run(inputs, self._learnt()), targets, group)
                (error * (len(group) / len(chosen))).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            decay.step()
            progress.advance()
        with torch.no_grad():
            return {name: tensor.numpy() for name, tensor in self._learnt().items()}

    def _measure_units(self, quantized: Samples) -> None:
        """Each layer's deviation, in which its bias learns."""
        some = range(min(self._settings.batch, len(next(iter(quantized.values())))))
        with torch.no_grad():
            parts = [self._graph.run(joined(quantized, g)) for g in groups(some, self._together)]
        self._units = {
            layer.bias: torch.cat([values[layer.output].flatten() for values in parts]).std()
            for layer in self._layers
            if layer.bias
        }

    def _correct_biases(self, exact: Samples, quantized: Samples) -> None:
        """Start where each layer's mean output is the float one, behind those before it.

        Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction",
        section 4.2. The rounding need not learn what a bias can do.
        """
        biased = [layer for layer in self._layers if layer.exact_bias is not None]
        wanted = self._means([layer.output for layer in biased], exact, {})
        for layer in biased:
            ours = self._means([layer.output], quantized, self._learnt())
            change = wanted[layer.output] - ours[layer.output]
            with torch.no_grad():
                self._shifts[layer.bias] += change / self._units[layer.bias].clamp(1e-12)

    def _means(
        self, names: Sequence[str], inputs: Samples, learnt: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Of each channel of some values, over the first samples."""
        count = min(CORRECTION_SAMPLES, len(next(iter(inputs.values()))))
        sums: dict[str, list[Tensor]] = {name: [] for name in names}
        with torch.no_grad():
            for start in range(0, count, self._at_once):
                some = range(start, min(start + self._at_once, count))
                values = self._graph.run(joined(inputs, some), learnt)
                for name in names:
                    sums[name].append(values[name].transpose(0, 1).flatten(1).mean(1) * len(some))
        return {name: torch.stack(parts).sum(0) / count for name, parts in sums.items()}

    @staticmethod
    def _error(values: Mapping[str, Tensor], targets: Samples, chosen: Sequence[int]) -> Tensor:
        """Squared error of the block's outputs, each relative to its target's power."""
        errors = []
        for name, wanted in joined(targets, chosen).items():
            power = wanted.square().mean().clamp(1e-12)
            errors.append((values[name] - wanted).square().mean() / power)
        return torch.stack(errors).sum()

    def _mixed(
        self, exact: Samples, quantized: Samples, chosen: list[int], draws: torch.Generator
    ) -> dict[str, Tensor]:
        share = self._settings.exact_inputs
        found, theirs = joined(quantized, chosen), joined(exact, chosen)
        for name, ours in found.items():
            if share and ours.is_floating_point():
                mask = torch.rand(ours.shape, generator=draws) < share
                found[name] = torch.where(mask, theirs[name], ours)
        return found

    def _learnt(self) -> dict[str, Tensor]:
        found = {}
        for layer, rounding in zip(self._layers, self._roundings, strict=True):
            found[layer.weight] = rounding.weights()
            if layer.exact_bias is not None:
                shift = self._shifts[layer.bias] * self._units[layer.bias]
                found[layer.bias] = torch.from_numpy(layer.exact_bias) + shift
        return found


@contextmanager
def one_thread() -> Iterator[None]:
    """More threads would add in another order, and round otherwise, on another machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
