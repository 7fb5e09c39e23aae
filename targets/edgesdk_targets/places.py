"""Where a program built for a target runs: here, under qemu, or on a board over ssh.

A place runs a program in a folder: what the folder holds is there, and what the program wrote is in
it afterwards.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgesdk_targets.command import CommandError, require, run
from edgesdk_targets.device import Board, Device
from edgesdk_targets.emulator import emulate


class Place(Protocol):
    """See the module."""

    def describe(self) -> str:
        """For people: where it ran."""

    def execute(self, program: Path, arguments: Sequence[str], folder: Path) -> str:
        """Run `program` in `folder` and return what it wrote to stdout.

        Raises:
            CommandError: it failed; the message ends with what it said.
            RuntimeMissingError: a tool that the place needs is not installed.
        """


@dataclass(frozen=True)
class Here:
    """This machine."""

    def describe(self) -> str:
        return "this machine"

    def execute(self, program: Path, arguments: Sequence[str], folder: Path) -> str:
        return run([program.resolve(), *arguments], cwd=folder)


@dataclass(frozen=True)
class Emulated:
    """An ARM core under qemu-user."""

    device: Device

    def describe(self) -> str:
        cpu = self.device.emulation.cpu if self.device.emulation else "?"
        return f"qemu -cpu {cpu}"

    def execute(self, program: Path, arguments: Sequence[str], folder: Path) -> str:
        return run(emulate(self.device, [program.resolve(), *arguments]), cwd=folder)


@dataclass(frozen=True)
class Remote:
    """A real device over ssh. It needs a POSIX shell and tar; nothing stays on it."""

    board: Board

    def describe(self) -> str:
        return f"ssh {self.board.host}"

    def execute(self, program: Path, arguments: Sequence[str], folder: Path) -> str:
        remote = self._shell("mktemp -d").decode().strip()
        try:
            self._send(remote, folder)
            self._send(remote, program.parent, program.name)
            words = " ".join(quote(word) for word in (f"./{program.name}", *arguments))
            said = self._shell(f"cd {quote(remote)} && {words}").decode()
            self._fetch(remote, folder, program.name)
        finally:
            self._shell(f"rm -rf {quote(remote)}")
        return said

    def _send(self, remote: str, folder: Path, name: str = ".") -> None:
        packed = subprocess.run(
            [require("tar"), "-C", str(folder), "-chf", "-", name], capture_output=True, check=True
        ).stdout
        self._shell(f"tar -C {quote(remote)} -xf -", packed)

    def _fetch(self, remote: str, folder: Path, leave_out: str) -> None:
        packed = self._shell(f"cd {quote(remote)} && rm -f {quote(leave_out)} && tar -cf - .")
        subprocess.run([require("tar"), "-C", str(folder), "-xf", "-"], input=packed, check=True)

    def _shell(self, command: str, stdin: bytes = b"") -> bytes:
        """Never ask for a password: a script would hang."""
        words = [require("ssh"), "-o", "BatchMode=yes"]
        words += ["-F", str(self.board.config)] if self.board.config else []
        done = subprocess.run(
            [*words, self.board.host, command], input=stdin, capture_output=True, check=False
        )
        if done.returncode:
            why = done.stderr.decode(errors="replace").strip()
            raise CommandError(f"ssh {self.board.host} failed with code {done.returncode}:\n{why}")
        return done.stdout


def quote(word: str) -> str:
    """For a POSIX shell."""
    return "'" + word.replace("'", "'\\''") + "'"
