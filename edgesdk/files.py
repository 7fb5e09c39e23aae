"""Writing results: to a temporary name beside the target, then renamed, so nothing is ever half."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from edgesdk_runtimes.errors import OutputError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or leave what was there; a device or pipe is written to as it is.

    Raises:
        OutputError: it cannot be written (no such folder, no permission, a full disk).
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(path, data)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}); what was there before is "
            "unharmed. Give a place that exists, that you may write to, and that has room."
        ) from error


def _replace(path: Path, data: bytes) -> None:
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        if temporary:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
