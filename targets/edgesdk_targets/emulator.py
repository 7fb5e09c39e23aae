"""Command lines that run another machine's programs under qemu-user."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgesdk_runtimes.errors import InputError
from edgesdk_targets.device import Device


def emulate(
    device: Device,
    words: Sequence[str | Path],
    *,
    root: Path | None = None,
    plugin: str = "",
) -> list[str | Path]:
    """The command line that runs `words` on an emulated device.

    Args:
        device: whose core is emulated.
        words: the program and its arguments.
        root: folder that stands for `/` when the program opens files that exist there.
        plugin: a TCG plugin with its arguments.

    Raises:
        InputError: the device is not one that qemu-user stands for.
    """
    if device.machine is None or device.emulation is None:
        raise InputError(
            f"{device.name} is not emulated: run it locally, or add [emulate] to its description."
        )
    return [
        device.machine.qemu,
        *("-cpu", device.emulation.cpu),
        *(("-L", root) if root else ()),
        *(("-plugin", plugin) if plugin else ()),
        *words,
    ]
