"""Building the native runtime for another machine."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from pathlib import Path

from edgesdk_runtimes.errors import InputError
from edgesdk_targets.cache import cache_folder
from edgesdk_targets.command import run
from edgesdk_targets.machines import Machine
from edgesdk_targets.toolchains import Toolchain, for_library, for_program


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


def build_program(machine: Machine, compiler: str = "gcc", source: Path | None = None) -> Path:
    """Build `edge-run` as a static program; what is built already is kept.

    Raises:
        InputError: an unknown compiler.
        RuntimeMissingError: CMake or the compiler is not installed.
        CommandError: the build failed; the message ends with what it said.
    """
    source = source or native_source()
    toolchain = for_program(compiler, machine, source)
    return _build(toolchain, source, "edge-run") / "edge-run"


def build_library(machine: Machine, compiler: str = "gcc", source: Path | None = None) -> Path:
    """Build `libedgert.so`; what is built already is kept. Raises as `build_program`."""
    source = source or native_source()
    toolchain = for_library(compiler, machine, source)
    return _build(toolchain, source, "edgert") / "libedgert.so"


def install(machine: Machine, compiler: str, folder: Path) -> list[Path]:
    """Put a stripped `edge-run`, `libedgert.so` and `edgert.h` into a folder.

    Raises:
        As `build_program`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    built = [build_program(machine, compiler), build_library(machine, compiler)]
    installed = [folder / path.name for path in built]
    for path, target in zip(built, installed, strict=True):
        partial = target.with_name(f".{target.name}.partial")
        if compiler == "gcc":
            run([f"{machine.gcc}strip", "-o", partial, path])
        else:
            shutil.copy2(path, partial)
        partial.replace(target)
    header = folder / "edgert.h"
    shutil.copy2(native_source() / "include" / header.name, header)
    return [*installed, header]


def _build(toolchain: Toolchain, source: Path, product: str) -> Path:
    """Configure when needed and build; returns the folder.

    Checkouts and settings do not share one; processes take turns.
    """
    setting = " ".join((str(source), *toolchain.settings))
    place = hashlib.sha256(setting.encode()).hexdigest()[:8]
    folder = cache_folder("build", f"{toolchain.name}-{place}")
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "CMakeCache.txt").exists():
            generator = ["-G", "Ninja"] if shutil.which("ninja") else []
            settings = ["-DCMAKE_BUILD_TYPE=Release", *toolchain.settings]
            run(["cmake", "-S", source, "-B", folder, *generator, *settings])
        run(["cmake", "--build", folder, "--target", product])
    return folder
