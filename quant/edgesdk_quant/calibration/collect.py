"""Run a float graph over the calibration data and keep statistics of chosen values.

One sample at a time, one pass, memory O(values * bins): it does not grow with the data.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from edgesdk_quant.calibration.exposure import Exposure
from edgesdk_quant.calibration.saved_state import SavedState
from edgesdk_quant.data import CalibrationData, Sample, sample_digest
from edgesdk_quant.fingerprint import fingerprint
from edgesdk_quant.graph import to_bytes
from edgesdk_quant.progress import Progress
from edgesdk_runtimes.errors import InputError

SAVE_EVERY_S = 10.0


class Observer(Protocol):
    """Statistics of one value."""

    def add(self, x: NDArray[np.float32]) -> None:
        """Take in what the value was for one sample."""

    def state(self) -> dict[str, NDArray[Any]]:
        """The statistics as arrays."""


Kind = TypeVar("Kind", bound=Observer)


@dataclass(frozen=True)
class Collected(Generic[Kind]):
    """What was learnt.

    Attributes:
        observers: value name -> its statistics.
        samples: how many samples were seen.
        data_sha256: hash over the samples, in order.
    """

    observers: Mapping[str, Kind]
    samples: int
    data_sha256: str


def collect(
    model: ir.Model,
    values: Sequence[str],
    new: Callable[[], Kind],
    restore: Callable[[Mapping[str, NDArray[Any]]], Kind],
    data: CalibrationData,
    *,
    task: str,
    progress: Progress,
    workdir: Path | None = None,
) -> Collected[Kind]:
    """Observe values of a float graph.

    Args:
        model: float graph in normal form.
        values: names of graph inputs and computed values.
        new: makes an observer.
        restore: makes an observer from its `state()`.
        data: samples.
        task: name for progress and for the saved state.
        progress: told after each sample.
        workdir: folder of the saved state; None keeps none. Ctrl-C and a bad
            sample save too.

    Raises:
        InputError: there is no sample, or one does not fit or is not finite.
    """
    key = fingerprint([to_bytes(model), task, data.description, *values])
    run = _Run(values, new, SavedState(workdir, task.replace(" ", "-"), key))
    exposure = Exposure(model, values)
    progress.start(task, data.count or None, "samples")
    try:
        run.resume(restore, data, exposure)
        progress.advance(run.samples)
        for sample in itertools.islice(data.samples(exposure.inputs), run.samples, None):
            run.take(sample, exposure)
            progress.advance()
    except (KeyboardInterrupt, InputError):  # a bad sample is taken away, and it goes on
        run.save()
        raise
    finally:
        exposure.close()
        progress.finish()
    if run.samples == 0:
        raise InputError(f"{data.description} holds no sample; give at least one, 64 are usual.")
    run.saved.forget()
    return Collected(run.observers, run.samples, run.digest.hexdigest())


class _Run(Generic[Kind]):
    """The state of one pass."""

    def __init__(self, values: Sequence[str], new: Callable[[], Kind], saved: SavedState) -> None:
        self.observers = {name: new() for name in values}
        self.samples = 0
        self.digest = hashlib.sha256()
        self.saved = saved
        self._saved_at = time.monotonic()

    def take(self, sample: Sample, exposure: Exposure) -> None:
        for name, array in exposure.run(sample).items():
            self.observers[name].add(np.asarray(array, np.float32))
        self.digest.update(sample_digest(sample.arrays))
        self.samples += 1
        if time.monotonic() - self._saved_at > SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        arrays: dict[str, NDArray[Any]] = {
            f"{index}.{key}": array
            for index, observer in enumerate(self.observers.values())
            for key, array in observer.state().items()
        }
        arrays["samples"] = np.array(self.samples)
        arrays["digest"] = np.array(self.digest.hexdigest())
        self.saved.save(arrays)
        self._saved_at = time.monotonic()

    def resume(
        self,
        restore: Callable[[Mapping[str, NDArray[Any]]], Kind],
        data: CalibrationData,
        exposure: Exposure,
    ) -> None:
        """Take up a saved state, if the samples that it has seen are the data's first ones."""
        kept = self.saved.load()
        if not kept:
            return
        digest, seen = hashlib.sha256(), int(kept["samples"])
        for sample in itertools.islice(data.samples(exposure.inputs), seen):
            digest.update(sample_digest(sample.arrays))
        if digest.hexdigest() != str(kept["digest"]):
            return
        for index, name in enumerate(self.observers):
            start = f"{index}."
            own = {k.removeprefix(start): v for k, v in kept.items() if k.startswith(start)}
            self.observers[name] = restore(own)
        self.samples, self.digest = seen, digest
