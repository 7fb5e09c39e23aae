"""Running other programs: a missing one or a failing one becomes a sentence."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgesdk_runtimes.errors import RuntimeMissingError

LAST_LINES = 12

# Program -> what to install, in Debian's names.
PACKAGES: Mapping[str, str] = {
    "gcc": "gcc",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "arm-linux-gnueabihf-gcc": "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
    "qemu-aarch64": "qemu-user",
    "qemu-arm": "qemu-user",
    "llvm-mca-19": "llvm-19",
    "llvm-mc-19": "llvm-19",
    "llvm-objdump-19": "llvm-19",
    "ssh": "openssh-client",
}


class CommandError(RuntimeMissingError):
    """Another program failed; the message ends with what it said last."""


def require(program: str) -> str:
    """The path of a program.

    Raises:
        RuntimeMissingError: it is not installed.
    """
    path = shutil.which(program)
    if path is None:
        package = PACKAGES.get(program, program)
        raise RuntimeMissingError(
            f"{program} is not installed: on Debian, `apt install {package}`."
        )
    return path


def run(
    words: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> str:
    """Run a program and return what it wrote to stdout.

    Raises:
        RuntimeMissingError: it is not installed.
        CommandError: it failed.
    """
    program = require(str(words[0]))
    arguments = [str(word) for word in words[1:]]
    done = subprocess.run(
        [program, *arguments],
        cwd=cwd,
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-LAST_LINES:]
        raise CommandError(
            f"{Path(program).name} failed with code {done.returncode}:\n" + "\n".join(said)
        )
    return done.stdout
