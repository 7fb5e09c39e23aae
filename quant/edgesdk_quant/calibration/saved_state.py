"""What calibration has seen so far, on disk, so that a stopped run goes on."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgesdk_runtimes.errors import OutputError

Arrays = Mapping[str, NDArray[Any]]


class SavedState:
    """Named arrays in one .npz file; without a folder nothing is kept."""

    def __init__(self, folder: Path | None, task: str, key: str) -> None:
        self._path = None if folder is None else folder / f"{task}-{key[:16]}.npz"

    def load(self) -> dict[str, NDArray[Any]]:
        """The arrays, empty if there are none or a crash of the machine spoilt them."""
        if self._path is None or not self._path.is_file():
            return {}
        try:
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                return {name: kept[name] for name in kept.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return {}

    def save(self, arrays: Arrays) -> None:
        """Write under a temporary name, then rename.

        Raises:
            OutputError: the folder cannot be written.
        """
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._write(self._path, arrays)
        except OSError as error:
            raise OutputError(
                f"The state of calibration cannot be saved in {self._path.parent} "
                f"({error.strerror}); give another work folder, or none."
            ) from error

    def forget(self) -> None:
        """Remove the file: the task is done."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    @staticmethod
    def _write(path: Path, arrays: Arrays) -> None:
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **dict(arrays))  # type: ignore[arg-type]
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
