"""What a program does between markers, counted exactly under qemu-user."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgesdk_runtimes.errors import ModelError
from edgesdk_targets.command import run
from edgesdk_targets.device import Device
from edgesdk_targets.emulator import emulate
from edgesdk_targets.estimate.plugin import counting_plugin


@dataclass(frozen=True)
class Block:
    """Instructions that run one after the other.

    Attributes:
        address: in the emulated program.
        runs: how often it ran between the first and the last marker.
        instructions: how many it holds.
        code: their bytes.
        symbol: the function they belong to; "-" where the program is stripped.
    """

    address: int
    runs: int
    instructions: int
    code: bytes
    symbol: str

    @property
    def executed(self) -> int:
        """Instructions that it contributed."""
        return self.runs * self.instructions


@dataclass(frozen=True)
class Trace:
    """A traced program.

    Attributes:
        totals: instructions since the program's start, at each marker.
        blocks: all that ran between the first and the last marker, most instructions first.
    """

    totals: tuple[int, ...]
    blocks: tuple[Block, ...]

    @property
    def steps(self) -> tuple[int, ...]:
        """Instructions between each marker and the next."""
        return tuple(b - a for a, b in zip(self.totals, self.totals[1:], strict=False))


def trace(
    device: Device,
    words: Sequence[str | Path],
    *,
    root: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Trace:
    """Run a program that sets markers and count.

    Raises:
        CommandError: the program failed.
        ModelError: it set fewer than two markers.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "blocks.txt"
        plugin = f"{counting_plugin()},out={out}"
        run(emulate(device, words, root=root, plugin=plugin), env=env)
        found = read_trace(out.read_text())
    if len(found.totals) < 2:
        raise ModelError(f"{words[0]} set {len(found.totals)} markers; a trace needs two or more.")
    return found


def read_trace(text: str) -> Trace:
    """Read what the plugin wrote; its format stands at the head of blocks.c."""
    totals: list[int] = []
    blocks: list[Block] = []
    for line in text.splitlines():
        kind, *fields = line.split()
        if kind == "M":
            totals.append(int(fields[1]))
        else:
            address, runs, instructions, code, symbol = fields
            blocks.append(
                Block(
                    int(address, 16),
                    int(runs),
                    int(instructions),
                    bytes.fromhex(code),
                    symbol,
                )
            )
    blocks.sort(key=lambda block: (-block.executed, block.address))
    return Trace(tuple(totals), tuple(blocks))
