"""The trainer: epochs over shuffled samples, the best on held-out ones kept, resumable.

Everything random comes from the number of the epoch, so that a run which was stopped and goes on
gives what an undisturbed one gives.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgesdk.files import write_atomically
from edgesdk.training.module import TrainableGraph
from edgesdk.training.objective import Objective
from edgesdk.training.samples import Samples
from edgesdk_quant.progress import Progress

HELD_OUT = 8  # one sample of so many
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """How it learns.

    Attributes:
        epochs: passes over the samples.
        batch: samples of a step.
        rate: first learning rate (Adam, falling to 0 along a cosine), as a share: of the root mean
            square of weights and biases, and of each step.
    """

    epochs: int = 4
    batch: int = 32
    rate: float = 0.001


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to; number 0 is before learning.

    Attributes:
        number: from 1 on.
        loss: mean of its steps; None before learning.
        held_out: loss on the samples that it does not learn from.
    """

    number: int
    loss: float | None
    held_out: float


def parameter_groups(net: torch.nn.Module, rate: float) -> list[dict[str, Any]]:
    """Parameters for an optimizer, each with a learning rate in shares of its own size.

    Args:
        net: a `TrainableGraph`.
        rate: share of the root mean square; steps are shares already.
    """
    groups = []
    for name, parameter in net.named_parameters():
        size = 1.0 if name.endswith("growth") else float(parameter.detach().square().mean().sqrt())
        groups.append({"params": [parameter], "lr": rate * (size or 1.0)})
    return groups


class Trainer:
    """Teaches one network."""

    def __init__(
        self,
        net: TrainableGraph,
        objective: Objective,
        samples: Samples,
        settings: Settings,
        state: Path | None,
        progress: Progress,
    ) -> None:
        """Take what learns, from what, and how.

        Args:
            net: the network.
            objective: its loss.
            samples: at least 16.
            settings: how it learns.
            state: file that keeps the state after each epoch; None keeps nothing.
            progress: told after each step.
        """
        self._net, self._objective, self._samples = net, objective, samples
        self._settings, self._state, self._progress = settings, state, progress
        places = np.random.default_rng(0).permutation(len(samples))  # samples may be in an order
        held_out = len(samples) // HELD_OUT
        self._judged: Places = np.sort(places[:held_out])
        self._learnt: Places = np.sort(places[held_out:])
        self._optimizer = torch.optim.Adam(parameter_groups(net, settings.rate))
        self._rates = [group["lr"] for group in self._optimizer.param_groups]
        self._history: list[Epoch] = []
        self._best: dict[str, Tensor] = {}

    def run(self) -> tuple[Epoch, ...]:
        """Learn; the network is then as it was after the best epoch, which may be none.

        Returns:
            Every epoch, the state before learning first.
        """
        if not self._resume():
            self._note(Epoch(0, None, self._held_out()))
        total = self._settings.epochs * self._steps
        self._progress.start("fine-tuning", total, "steps")
        self._progress.advance((len(self._history) - 1) * self._steps)
        for number in range(len(self._history), self._settings.epochs + 1):
            loss = self._epoch(number)
            self._note(Epoch(number, loss, self._held_out()))
        self._progress.finish()
        self._net.load_state_dict(self._best)
        return tuple(self._history)

    @property
    def _steps(self) -> int:
        return math.ceil(len(self._learnt) / self._settings.batch)

    def _epoch(self, number: int) -> float:
        order = np.random.default_rng(number).permutation(self._learnt)
        losses = []
        for index, chosen in enumerate(self._batches(order)):
            self._set_rate((number - 1) * self._steps + index)
            self._optimizer.zero_grad(set_to_none=True)
            loss = self._loss(chosen)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            losses.append(loss.item() * len(chosen))
            self._progress.advance()
        return sum(losses) / len(order)

    def _set_rate(self, step: int) -> None:
        share = 0.5 + 0.5 * math.cos(math.pi * step / (self._settings.epochs * self._steps))
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share

    def _held_out(self) -> float:
        with torch.no_grad():
            losses = [float(self._loss(c)) * len(c) for c in self._batches(self._judged)]
        return sum(losses) / len(self._judged)

    def _batches(self, places: Places) -> Iterator[Places]:
        for start in range(0, len(places), self._settings.batch):
            yield places[start : start + self._settings.batch]

    def _loss(self, chosen: Places) -> Tensor:
        inputs = [torch.from_numpy(array[chosen]) for array in self._samples.inputs]
        labels = torch.from_numpy(self._samples.labels[chosen])
        named = dict(zip(self._net.input_names, inputs, strict=True))
        return self._objective.loss(named, self._net.outputs(*inputs), labels)

    # What is kept

    def _note(self, epoch: Epoch) -> None:
        """Remember an epoch, and the network if it is the best so far; keep all of it."""
        if epoch.held_out <= min((e.held_out for e in self._history), default=math.inf):
            self._best = {name: t.clone() for name, t in self._net.state_dict().items()}
        self._history.append(epoch)
        if self._state is None:
            return
        kept = io.BytesIO()
        torch.save(
            {
                "history": [(e.number, e.loss, e.held_out) for e in self._history],
                "net": self._net.state_dict(),
                "best": self._best,
                "optimizer": self._optimizer.state_dict(),
            },
            kept,
        )
        write_atomically(self._state, kept.getvalue())

    def _resume(self) -> bool:
        """Whether a stopped run was found; a file that cannot be read is as none."""
        if self._state is None or not self._state.exists():
            return False
        try:
            kept = torch.load(self._state, weights_only=True)
        except (RuntimeError, EOFError, OSError, pickle.UnpicklingError):
            return False
        self._history = [Epoch(*epoch) for epoch in kept["history"]]
        self._net.load_state_dict(kept["net"])
        self._best = kept["best"]
        self._optimizer.load_state_dict(kept["optimizer"])
        return True
