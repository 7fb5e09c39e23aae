"""The kinds of machine that programs and wheels are built for."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass

from edgesdk_runtimes.errors import InputError


@dataclass(frozen=True)
class Machine:
    """One kind of machine, under the names that tools have for it.

    Attributes:
        name: what CMake and toolchain files of `native/cmake` call it.
        kernel: what `uname -m` prints there, and the end of a wheel's platform tag.
        gcc: prefix of Debian's compiler and binutils for it.
        debian: Debian's name of the architecture.
        qemu: the program of qemu-user that runs its programs.
        zig: processor and system as zig's targets begin.
        abi: end of zig's name of a C library there: "" or "eabihf".
        flags: that zig's compiler gets beside.
    """

    name: str
    kernel: str
    gcc: str
    debian: str
    qemu: str
    zig: str
    abi: str
    flags: str = ""


_X86_64 = Machine(
    "x86_64", "x86_64", "x86_64-linux-gnu-", "amd64", "qemu-x86_64", "x86_64-linux", ""
)
_AARCH64 = Machine(
    "aarch64", "aarch64", "aarch64-linux-gnu-", "arm64", "qemu-aarch64", "aarch64-linux", ""
)
_ARMV7 = Machine(
    name="armv7",
    kernel="armv7l",
    gcc="arm-linux-gnueabihf-",
    debian="armhf",
    qemu="qemu-arm",
    zig="arm-linux",
    abi="eabihf",
    # Thumb: a quarter smaller, and what Debian's compiler makes; zig turns -mthumb alone off.
    flags="-mthumb -Xclang -target-feature -Xclang +thumb-mode",
)
MACHINES: Mapping[str, Machine] = {m.name: m for m in (_X86_64, _AARCH64, _ARMV7)}


def this_machine() -> Machine:
    """The machine that this process runs on.

    Raises:
        InputError: it is none that the runtime is built for.
    """
    kernel = platform.machine().replace("AMD64", "x86_64").replace("arm64", "aarch64")
    for machine in MACHINES.values():
        if machine.kernel == kernel:
            return machine
    raise InputError(f"This machine is {kernel!r}; programs are built for {', '.join(MACHINES)}.")
