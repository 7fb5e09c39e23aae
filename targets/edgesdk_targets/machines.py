"""The kinds of machine that programs and wheels are built for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """One kind of machine, under the names that tools have for it.

    Attributes:
        name: what the kernel calls it (`uname -m`), and the end of a wheel's platform tag.
        gcc: Debian's compiler for it.
        debian: Debian's name of the architecture.
        qemu: the program of qemu-user that runs its programs.
        zig: the target that PyPI's ziglang builds for, without the C library's version.
        flags: compiler flags of the baseline that every such machine has.
    """

    name: str
    gcc: str
    debian: str
    qemu: str
    zig: str
    flags: tuple[str, ...]


MACHINES: Mapping[str, Machine] = {
    machine.name: machine
    for machine in (
        Machine("x86_64", "x86_64-linux-gnu-gcc", "amd64", "qemu-x86_64", "x86_64-linux", ()),
        Machine("aarch64", "aarch64-linux-gnu-gcc", "arm64", "qemu-aarch64", "aarch64-linux", ()),
        Machine(
            "armv7",
            "arm-linux-gnueabihf-gcc",
            "armhf",
            "qemu-arm",
            "arm-linux",
            ("-march=armv7-a", "-mfpu=neon", "-mfloat-abi=hard"),
        ),
    )
}
