"""Two ways to compile for another machine: Debian's gcc, or PyPI's ziglang where nobody is root."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgesdk_runtimes.errors import InputError, RuntimeMissingError
from edgesdk_targets.cache import cache_folder
from edgesdk_targets.command import require
from edgesdk_targets.machines import Machine, this_machine

COMPILERS = ("gcc", "zig")
# The oldest glibc that programs and libraries built by zig run with; manylinux2014's.
OLD_GLIBC = "gnu.2.17"


@dataclass(frozen=True)
class Toolchain:
    """A compiler for one machine and one C library.

    Attributes:
        name: of the build folder.
        machine: what it compiles for.
        settings: what CMake is told.
    """

    name: str
    machine: Machine
    settings: tuple[str, ...]


def for_program(compiler: str, machine: Machine, source: Path) -> Toolchain:
    """A toolchain whose programs are static.

    Raises:
        InputError: an unknown compiler.
        RuntimeMissingError: it is not installed.
    """
    return _gcc(machine, source) if _is_gcc(compiler) else _zig(machine, "musl")


def for_library(compiler: str, machine: Machine, source: Path) -> Toolchain:
    """A toolchain whose shared libraries Python can load: built for glibc.

    Raises:
        InputError: an unknown compiler.
        RuntimeMissingError: it is not installed.
    """
    return _gcc(machine, source) if _is_gcc(compiler) else _zig(machine, OLD_GLIBC)


def _is_gcc(compiler: str) -> bool:
    if compiler not in COMPILERS:
        raise InputError(f"Compiler {compiler!r} was given; choose from {', '.join(COMPILERS)}.")
    return compiler == "gcc"


def _gcc(machine: Machine, source: Path) -> Toolchain:
    if machine == this_machine():
        return Toolchain(f"{machine.name}-gcc", machine, ("-DEDGERT_STATIC=ON",))
    require(f"{machine.gcc}gcc")
    file = source / "cmake" / f"{machine.name}.cmake"
    settings = (f"-DCMAKE_TOOLCHAIN_FILE={file}", "-DEDGERT_STATIC=ON")
    return Toolchain(f"{machine.name}-gcc", machine, settings)


def _zig(machine: Machine, c_library: str) -> Toolchain:
    """What zig links is stripped: it has no strip of its own."""
    base, _, version = c_library.partition(".")
    target = f"{machine.zig}-{base}{machine.abi}" + (f".{version}" if version else "")
    # Nothing here is unwound through; the tables would be a twentieth of the program.
    flags = "-fno-unwind-tables -fno-asynchronous-unwind-tables -fomit-frame-pointer"
    settings = (
        "-DCMAKE_SYSTEM_NAME=Linux",
        f"-DCMAKE_SYSTEM_PROCESSOR={machine.name}",
        f"-DCMAKE_C_COMPILER={_zig_command('cc', target)}",
        f"-DCMAKE_AR={_zig_command('ar')}",
        f"-DCMAKE_RANLIB={_zig_command('ranlib')}",
        "-DEDGERT_STATIC=ON",
        f"-DCMAKE_C_FLAGS={flags} {machine.flags}".rstrip(),
        "-DCMAKE_EXE_LINKER_FLAGS=-s",
        "-DCMAKE_SHARED_LINKER_FLAGS=-s",
    )
    return Toolchain(f"{machine.name}-zig-{c_library}", machine, settings)


def _zig_command(tool: str, target: str = "") -> Path:
    """A program that CMake can call by its path alone."""
    if importlib.util.find_spec("ziglang") is None:
        raise RuntimeMissingError("ziglang is not installed: `pip install ziglang`.")
    words: Sequence[str] = [sys.executable, str(Path(__file__).with_name("zig.py")), tool]
    words = [*words, "-target", target] if target else words
    text = "#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in words) + ' "$@"\n'
    # Environments share the cache, each with a Python of its own.
    place = hashlib.sha256(text.encode()).hexdigest()[:8]
    script = cache_folder("zig", place) / f"{tool}{target and '-'}{target}"
    if not script.exists():
        partial = script.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(text)
        partial.chmod(0o755)
        partial.replace(script)
    return script
