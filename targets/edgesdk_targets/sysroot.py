"""A small Debian with Python for another machine, so that its wheels and peers run under qemu.

Nothing of it is installed on this machine and nothing needs root: apt resolves and downloads the
packages with a state of its own, they are unpacked, and wheels from PyPI are unpacked beside them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgesdk_runtimes.errors import InputError, RuntimeMissingError
from edgesdk_targets.cache import cache_folder
from edgesdk_targets.command import CommandError, run
from edgesdk_targets.cores import core_files
from edgesdk_targets.device import Device
from edgesdk_targets.machines import Machine

PACKAGES_FOLDER = "usr/lib/python3/dist-packages"
PYTHON_VERSION = "311"  # Debian 12's


@dataclass(frozen=True)
class Contents:
    """What the root of one machine holds.

    Attributes:
        packages: Debian packages; what they need comes with them.
        wheels: PyPI packages with all that they need.
        lone_wheels: PyPI packages whose needs `packages` meet.
        platforms: wheel platform tags that run there.
    """

    packages: tuple[str, ...]
    wheels: tuple[str, ...]
    lone_wheels: tuple[str, ...]
    platforms: tuple[str, ...]


CONTENTS: Mapping[str, Contents] = {
    "aarch64": Contents(
        packages=("python3", "libstdc++6"),
        wheels=("numpy", "cffi", "ai-edge-litert"),
        lone_wheels=(),
        platforms=("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64"),
    ),
    "armv7": Contents(
        packages=("python3", "libstdc++6", "python3-numpy", "python3-cffi"),
        wheels=(),
        lone_wheels=("tflite-runtime",),
        platforms=("manylinux_2_34_armv7l", "manylinux2014_armv7l"),
    ),
}


def python_root(device: Device) -> Path:
    """The prepared root, as the device's processor sees it.

    Raises:
        RuntimeMissingError: it was not prepared yet.
        InputError: there is none for this device.
    """
    machine = _machine(device)
    base = _base(machine)
    if not base.is_dir():
        raise RuntimeMissingError(
            f"Python and LiteRT for {machine.name} are not here yet: run "
            f"`edgesdk target prepare {device.name}` once (about 80 MB)."
        )
    return _as_core(device, base)


def prepare(device: Device) -> Path:
    """Download and unpack the root of a device's machine, unless it is there already.

    Raises:
        RuntimeMissingError: this is no Debian, or a program is missing.
        CommandError: a download failed; the message ends with what it said.
        InputError: there is none for this device.
    """
    machine = _machine(device)
    base = _base(machine)
    if not base.is_dir():
        partial = base.with_suffix(f".{os.getpid()}.partial")
        try:
            partial.mkdir()
            _unpack_debian(machine, partial)
            _unpack_wheels(CONTENTS[machine.name], partial)
            if not base.is_dir():  # another process may have been faster
                partial.rename(base)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return _as_core(device, base)


def _machine(device: Device) -> Machine:
    if device.machine is None or device.machine.name not in CONTENTS:
        raise InputError(
            f"{device.name} needs no root of its own; one is made for machines of "
            f"{' and '.join(CONTENTS)}."
        )
    return device.machine


def _base(machine: Machine) -> Path:
    return cache_folder("sysroot") / f"debian-{machine.debian}"


def _as_core(device: Device, base: Path) -> Path:
    """A view of `base` in which /proc and /sys tell of the device's core.

    Runtimes choose kernels by these files, and some crash where they tell of an x86.
    """
    cpu = device.emulation.cpu if device.emulation else ""
    view = cache_folder("sysroot") / f"{base.name}-{cpu}"
    for name in ("usr", "lib", "bin", "etc", "lib64"):
        link = view / name
        if (base / name).exists() and not link.exists():
            view.mkdir(exist_ok=True)
            link.symlink_to(base / name)
    for name, text in core_files(cpu).items():
        (view / name).parent.mkdir(parents=True, exist_ok=True)
        (view / name).write_text(text)
    return view


def _unpack_debian(machine: Machine, root: Path) -> None:
    packages = CONTENTS[machine.name].packages
    state = root / "var/apt"
    for name in ("lists/partial", "archives/partial"):
        (state / name).mkdir(parents=True)
    (state / "status").touch()
    apt = ["apt-get", "-q", *_apt_options(machine, state)]
    with contextlib.suppress(CommandError):  # one source that fails need not be one that matters
        run([*apt, "update"])
    run([*apt, "install", "-y", "--no-install-recommends", "--download-only", *packages])
    for package in sorted((state / "archives").glob("*.deb")):
        run(["dpkg-deb", "-x", package, root])
    shutil.rmtree(state)
    _choose_alternatives(root)


def _choose_alternatives(root: Path) -> None:
    """What the install scripts of BLAS and LAPACK would do: put them where they are found."""
    for library in root.glob("usr/lib/*/*/lib*.so.3"):
        if library.parent.name in ("blas", "lapack"):
            (library.parents[1] / library.name).symlink_to(f"{library.parent.name}/{library.name}")


def _apt_options(machine: Machine, state: Path) -> list[str]:
    """This machine's package sources, but another architecture and nothing installed."""
    options = (
        f"APT::Architecture={machine.debian}",
        f"APT::Architectures::={machine.debian}",
        f"Dir::State={state}",
        f"Dir::State::status={state}/status",
        f"Dir::Cache={state}",
        "APT::Sandbox::User=root",
        "Debug::NoLocking=1",
    )
    return [word for option in options for word in ("-o", option)]


def _unpack_wheels(contents: Contents, root: Path) -> None:
    wheels = root / "var/wheels"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(wheels)]
    pip += ["--python-version", PYTHON_VERSION, "--only-binary=:all:"]
    pip += [word for tag in contents.platforms for word in ("--platform", tag)]
    if contents.wheels:
        run([*pip, *contents.wheels])
    if contents.lone_wheels:
        run([*pip, "--no-deps", *contents.lone_wheels])
    for wheel in sorted(wheels.glob("*.whl")):
        zipfile.ZipFile(wheel).extractall(root / PACKAGES_FOLDER)
    shutil.rmtree(wheels)


def python_of(root: Path) -> Path:
    """Its interpreter."""
    return root / "usr/bin/python3"


def litert_version(root: Path) -> str:
    """Name and version of the LiteRT wheel in a root: "ai_edge_litert 2.3.0"."""
    found = sorted(
        path.name.removesuffix(".dist-info").replace("-", " ")
        for name in ("ai_edge_litert", "tflite_runtime")
        for path in (root / PACKAGES_FOLDER).glob(f"{name}-*.dist-info")
    )
    return ", ".join(found)
