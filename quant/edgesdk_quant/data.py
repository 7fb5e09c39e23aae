"""Calibration and test data: a folder of images, .npy/.npz files, an array, or any iterable.

Samples are streamed, one at a time, as tuples of arrays that fit the model's inputs.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from edgesdk_quant.preprocess import IMAGE_SUFFIXES, Preprocess
from edgesdk_runtimes.base import Array, TensorSpec
from edgesdk_runtimes.errors import InputError

ARRAY_SUFFIXES = {".npy", ".npz"}


@dataclass(frozen=True)
class Sample:
    """One sample.

    Attributes:
        name: path below the folder of the data, with "/", or number; labels are found by it.
        arrays: one for each input, in the float model's layout, dimension 0 the batch.
    """

    name: str
    arrays: tuple[Array, ...]


@dataclass(frozen=True)
class CalibrationData:
    """Samples that can be asked for once, or again and again where the source allows it.

    Attributes:
        description: how error messages call it.
        count: how many there are; 0 where that is not known beforehand.
        source: gives name and raw content of each sample.
    """

    description: str
    count: int
    source: Callable[[], Iterator[tuple[str, Any]]]

    def samples(self, inputs: Sequence[TensorSpec]) -> Iterator[Sample]:
        """Stream the samples, each checked against the model's inputs.

        Raises:
            InputError: a sample is unreadable, not finite, or of a wrong shape; names it.
        """
        for name, content in self.source():
            yield Sample(name, fitted(name, content, inputs))

    def limited(self, limit: int | None) -> CalibrationData:
        """The first `limit` samples; None takes all."""
        if limit is None:
            return self
        if limit < 1:
            raise InputError(f"a limit of {limit} samples was given; give 1 or more")
        count = min(self.count, limit) if self.count else 0
        source = self.source
        return replace(self, count=count, source=lambda: itertools.islice(source(), limit))

    def skipped(self, count: int) -> CalibrationData:
        """All samples but the first `count`."""
        source, left = self.source, max(self.count - count, 0)
        return replace(self, count=left, source=lambda: itertools.islice(source(), count, None))


def open_data(source: Any, preprocess: Preprocess | None = None) -> CalibrationData:
    """Make data out of what a user gives.

    Args:
        source: a folder of images or arrays, an .npy or .npz file, an array [N, ...],
            CalibrationData, or an iterable of arrays, tuples (one array an input) or dicts
            (by input name).
        preprocess: how images become arrays; needed for images only.

    Raises:
        InputError: the path does not exist or holds nothing usable.
    """
    if isinstance(source, CalibrationData):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _from_path(Path(source), preprocess)
    if hasattr(source, "shape") and hasattr(source, "__array__"):
        array = np.asarray(source)
        return CalibrationData(
            f"the array of shape {list(array.shape)}", len(array), lambda: _rows(array)
        )
    if isinstance(source, Iterable):
        count = len(source) if isinstance(source, Sized) else 0
        return CalibrationData("the given iterable", count, lambda: _numbered(source))
    raise InputError(
        f"data of type {type(source).__name__} was given; give a folder of images, an .npy or .npz "
        "file, an array, or an iterable of arrays"
    )


def sample_digest(arrays: Sequence[Array]) -> bytes:
    """SHA-256 over dtype, shape and content of a sample's arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()


def fitted(name: str, content: Any, inputs: Sequence[TensorSpec]) -> tuple[Array, ...]:
    """A sample's content as one array for each input, a missing batch dimension added.

    Raises:
        InputError: it does not fit, or holds NaN or infinity.
    """
    if isinstance(content, Mapping):
        missing = [spec.name for spec in inputs if spec.name not in content]
        if missing:
            raise InputError(
                f"sample {name} lacks the inputs {', '.join(missing)}; give all by name"
            )
        content = [content[spec.name] for spec in inputs]
    elif not isinstance(content, (tuple, list)):
        content = [content]
    # A data loader's (image, label) pair: what follows the inputs is not for the model.
    if len(content) < len(inputs):
        raise InputError(
            f"sample {name} has {len(content)} arrays and the model takes {len(inputs)} inputs: "
            f"{', '.join(spec.name for spec in inputs)}; give one array for each"
        )
    return tuple(_fit(name, value, spec) for value, spec in zip(content, inputs, strict=False))


def _other_way(array: Array, spec: TensorSpec) -> str:
    """What to do where the first size is no batch, as in a cache that leads with its layers."""
    if array.ndim != len(spec.shape) or spec.shape[0] != 1 or array.shape[1:] != spec.shape[1:]:
        return ""
    return f", or fix the first size where it is no batch: inputs={{{spec.name!r}: {array.shape}}}"


def _fit(name: str, value: Any, spec: TensorSpec) -> Array:
    array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    if array.ndim == len(spec.shape) - 1:
        array = array[None]
    fits = array.ndim == len(spec.shape) and all(
        want is None or have == want for have, want in zip(array.shape, spec.shape, strict=True)
    )
    if not fits:
        wanted = ["?" if size is None else size for size in spec.shape]
        raise InputError(
            f"sample {name} has shape {list(array.shape)} where input {spec.name!r} takes "
            f"{wanted}; give samples of that shape{_other_way(array, spec)}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"sample {name} holds NaN or infinity; remove it or correct the data")
    return np.ascontiguousarray(array.astype(spec.dtype, copy=False))


def _from_path(path: Path, preprocess: Preprocess | None) -> CalibrationData:
    if not path.exists():
        raise InputError(f"there is no {path}; give a folder of images, or an .npy or .npz file")
    if path.is_file() and path.suffix.lower() in ARRAY_SUFFIXES:
        return _from_array_file(path)
    allowed = IMAGE_SUFFIXES | ARRAY_SUFFIXES
    try:
        found = list(path.rglob("*")) if path.is_dir() else []
    except OSError as error:
        raise InputError(
            f"{path} cannot be listed ({error.strerror}: {error.filename}); give a folder that "
            "holds the samples alone"
        ) from error
    files = sorted(p for p in found if p.suffix.lower() in allowed)
    if not files:
        raise InputError(
            f"{path} holds no image or array; allowed are files that end in "
            f"{', '.join(sorted(allowed))}"
        )
    return CalibrationData(str(path), len(files), lambda: _read_files(path, files, preprocess))


def _from_array_file(path: Path) -> CalibrationData:
    loaded = _load_array(path)
    if isinstance(loaded, Mapping):
        columns = dict(loaded)
        count = min(len(column) for column in columns.values()) if columns else 0
        rows = [str(i) for i in range(count)]
        return CalibrationData(
            str(path),
            count,
            lambda: (
                (row, {k: v[i : i + 1] for k, v in columns.items()}) for i, row in enumerate(rows)
            ),
        )
    array: Array = np.asarray(loaded)
    return CalibrationData(str(path), len(array), lambda: _rows(array))


def _read_files(
    root: Path, files: Sequence[Path], preprocess: Preprocess | None
) -> Iterator[tuple[str, Any]]:
    for file in files:
        name = file.relative_to(root).as_posix()
        if file.suffix.lower() in ARRAY_SUFFIXES:
            yield name, _load_array(file)
        elif preprocess is None:
            raise InputError(
                f"{file} is an image and nothing says how it becomes numbers; "
                "give preprocess=Preprocess(...), or --preprocess on the command line"
            )
        else:
            yield name, preprocess.load(file)


def _load_array(path: Path) -> Any:
    try:
        if path.suffix.lower() == ".npy":
            return np.lib.format.open_memmap(path, mode="r")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as loaded:
            return {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, BadZipFile, AttributeError) as error:
        raise InputError(
            f"{path} cannot be read as numbers ({error}); write it with numpy.save or numpy.savez"
        ) from error


def _rows(array: Array) -> Iterator[tuple[str, Array]]:
    for index in range(len(array)):
        yield str(index), np.asarray(array[index : index + 1])


def _numbered(source: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for index, content in enumerate(source):
        yield str(index), content
