"""Samples to learn from: decoded once into a file, then read in any order; memory stays flat."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgesdk.labels import Labels
from edgesdk_quant.data import CalibrationData
from edgesdk_quant.fingerprint import fingerprint
from edgesdk_quant.progress import Progress
from edgesdk_runtimes.base import Array, TensorSpec
from edgesdk_runtimes.errors import InputError

UNLABELLED = -1


@dataclass(frozen=True)
class Samples:
    """Decoded samples.

    Attributes:
        inputs: one array [N, ...] for each input of the model, on disk.
        labels: int64 [N], the class of each; -1 without.
        sha256: of all of it.
    """

    inputs: tuple[Array, ...]
    labels: NDArray[np.int64]
    sha256: str

    def __len__(self) -> int:
        return len(self.labels)


def decode(
    data: CalibrationData,
    labels: Labels | None,
    specs: Sequence[TensorSpec],
    folder: Path,
    progress: Progress,
) -> Samples:
    """Write the samples into files of a folder.

    Args:
        data: where they come from.
        labels: their classes, if there are any.
        specs: the model's inputs.
        folder: an empty one; it must stay while the samples are used.
        progress: told after each sample.

    Raises:
        InputError: a sample does not fit, or has another shape than the first.
    """
    files = [_RowFile(folder / f"input{index}.raw") for index in range(len(specs))]
    classes: list[int] = []
    progress.start("decoding", data.count or None, "samples")
    for place, sample in enumerate(data.samples(specs)):
        known = None if labels is None else labels.of(sample.name, place)
        rows = len(sample.arrays[0])
        if rows > 1 and labels is not None:
            raise InputError(
                f"Sample {sample.name} holds {rows} at once, and labels are looked up one by one. "
                "Give samples one by one."
            )
        for file, array in zip(files, sample.arrays, strict=True):
            file.add(sample.name, array)
        classes += rows * [UNLABELLED if known is None else known]
        progress.advance()
    progress.finish()
    arrays, digests = zip(*(file.read() for file in files), strict=True)
    found = np.array(classes, np.int64)
    return Samples(arrays, found, fingerprint([*digests, found.tobytes()]))


class _RowFile:
    """Rows of one shape, written one after another."""

    def __init__(self, path: Path) -> None:
        self._path, self._digest = path, hashlib.sha256()
        self._shape: tuple[int, ...] = ()
        self._dtype = np.dtype(np.float32)
        self._rows = 0
        path.touch()

    def add(self, name: str, array: Array) -> None:
        """Append rows; `name` is for the error message."""
        if not self._rows:
            self._shape, self._dtype = array.shape[1:], array.dtype
        if array.shape[1:] != self._shape:
            raise InputError(
                f"Sample {name} has shape {list(array.shape[1:])}, the first one "
                f"{list(self._shape)}. Give samples of one shape: a batch holds several."
            )
        data = array.tobytes()
        self._digest.update(data)
        with self._path.open("ab") as file:
            file.write(data)
        self._rows += len(array)

    def read(self) -> tuple[Array, bytes]:
        """All rows, as they lie on disk, and a hash of them."""
        shape = (self._rows, *self._shape)
        if not self._rows:
            return np.zeros(shape, self._dtype), b""
        return np.memmap(self._path, self._dtype, "r", shape=shape), self._digest.digest()
