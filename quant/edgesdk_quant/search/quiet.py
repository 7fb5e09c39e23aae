"""Silence for C libraries that write to the process's own standard output."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator

STDOUT = 1


@contextlib.contextmanager
def quiet_stdout() -> Iterator[None]:
    """Whatever C code prints inside is lost: it would stand in the middle of a user's JSON."""
    sys.stdout.flush()
    try:
        kept = os.dup(STDOUT)
    except OSError:  # there is none
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), STDOUT)
        yield
    finally:
        ctypes.CDLL(None).fflush(None)  # of the C library, which keeps lines for later
        os.dup2(kept, STDOUT)
        os.close(kept)
