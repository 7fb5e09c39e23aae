"""Fixtures of the tests that need the built C library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgesdk_runtimes.native import NativeRuntime

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Finished:
    """How edge-run ended."""

    code: int
    stdout: str
    stderr: str


EdgeRun = Callable[..., Finished]


def _program() -> str | None:
    """Path of edge-run: beside $EDGERT_LIBRARY, in this environment, or in the dev build."""
    library = os.environ.get("EDGERT_LIBRARY")
    beside = [Path(library).parent] if library else []
    folders = [*beside, Path(sys.executable).parent, ROOT / "build" / "dev"]
    return shutil.which("edge-run", path=os.pathsep.join(map(str, folders)))


@pytest.fixture(scope="session")
def edge_run() -> EdgeRun:
    """Call edge-run with the words given."""
    program = _program()
    if program is None:
        pytest.skip("edge-run is not built: run `make native`")

    def run(*words: str | Path) -> Finished:
        done = subprocess.run(
            [program, *map(str, words)], capture_output=True, text=True, timeout=60, check=False
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def runtime() -> NativeRuntime:
    """The native runtime, where the library is built."""
    native = NativeRuntime()
    status = native.probe()
    if not status.available:
        pytest.skip(status.detail)
    return native
