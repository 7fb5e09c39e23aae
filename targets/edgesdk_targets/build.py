"""Building the native runtime for another machine."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from edgesdk_runtimes.errors import InputError
from edgesdk_targets.cache import cache_folder
from edgesdk_targets.command import require, run
from edgesdk_targets.machines import Machine


@dataclass(frozen=True)
class Build:
    """What a build gave: the program `edge-run` (static) and the shared library."""

    machine: Machine
    folder: Path

    @property
    def program(self) -> Path:
        return self.folder / "edge-run"

    @property
    def library(self) -> Path:
        return self.folder / "libedgert.so"


def native_source() -> Path:
    """The folder of the C sources: in a wheel beside this file, in a checkout at its root.

    Raises:
        InputError: neither is there.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "_native", here.parents[1] / "native"):
        if (folder / "CMakeLists.txt").is_file():
            return folder
    raise InputError("The C sources are not installed here; run this in a checkout of EdgeSDK.")


def build(machine: Machine, source: Path | None = None) -> Build:
    """Cross-build with Debian's gcc; what is built already is kept.

    Raises:
        RuntimeMissingError: CMake or the compiler is not installed.
        CommandError: the build failed; the message ends with what it said.
    """
    source = source or native_source()
    require(machine.gcc)
    folder = cache_folder("build", f"{machine.name}-gcc-{_fingerprint(source)}")
    run(["cmake", "-S", source, "-B", folder, *_settings(machine)])
    run(["cmake", "--build", folder, "--target", "edge-run", "edgert"])
    return Build(machine, folder)


def _fingerprint(source: Path) -> str:
    """Checkouts do not share a build folder."""
    return hashlib.sha256(str(source).encode()).hexdigest()[:8]


def _settings(machine: Machine) -> list[str]:
    return [
        *(["-G", "Ninja"] if shutil.which("ninja") else []),
        "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_SYSTEM_NAME=Linux",
        f"-DCMAKE_SYSTEM_PROCESSOR={machine.name}",
        f"-DCMAKE_C_COMPILER={machine.gcc}",
        f"-DCMAKE_C_FLAGS={' '.join(machine.flags)}",
        "-DEDGERT_STATIC=ON",
    ]
