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
    paths = [folder / f"input{i}.raw" for i in range(len(specs))]
    files = [path.open("wb") for path in paths]
    digest, classes, shapes = hashlib.sha256(), [], list[tuple[int, ...]]()
    progress.start("decoding", data.count or None, "samples")
    try:
        for place, sample in enumerate(data.samples(specs)):
            found = [array.shape for array in sample.arrays]
            shapes = shapes or found
            if found != shapes:
                raise InputError(
                    f"Sample {sample.name} has shapes {found}, the first one has {shapes}. Give "
                    "samples of one shape: a batch holds several."
                )
            for file, array in zip(files, sample.arrays, strict=True):
                file.write(array.tobytes())
                digest.update(array.tobytes())
            known = None if labels is None else labels.of(sample.name, place)
            classes.append(UNLABELLED if known is None else known)
            progress.advance()
    finally:
        progress.finish()
        for file in files:
            file.close()
    digest.update(np.array(classes, np.int64).tobytes())
    arrays = tuple(
        np.memmap(path, spec.dtype, "r", shape=(len(classes) * shape[0], *shape[1:]))
        for path, spec, shape in zip(paths, specs, shapes, strict=False)
    )
    return Samples(arrays, np.array(classes, np.int64), digest.hexdigest())
