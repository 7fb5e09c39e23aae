"""Cycles of AArch64 blocks by LLVM's scheduling models (llvm-mca).

Each block is taken as the body of a loop in its steady state, caches always hit and branches are
always predicted: a lower bound that compares programs, not a prediction of wall time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from edgesdk_targets.command import run
from edgesdk_targets.estimate.trace import Block

LLVM = "-19"
ROUNDS = 100
WORD = 4
# What the blocks may hold beyond the core's own features, so that every core's code is read.
FEATURES = "+v8.2a,+dotprod,+fullfp16,+i8mm,+bf16"

_POST_INDEXED = re.compile(r"(ld\w+)\s(.*), \[(\w+)\], (#?-?\w+)")
_PRE_INDEXED = re.compile(r"(ld\w+)\s(.*), \[(\w+), (#-?\d+)\]!")
_ENCODED = re.compile(r"\t(.*?)\s*// encoding: \[(.*)\]")


def disassemble(blocks: Sequence[Block]) -> Mapping[bytes, str]:
    """Instruction word -> its text, for all words of the blocks that LLVM knows."""
    words = sorted({word for block in blocks for word in words_of(block)})
    listing = "\n".join(" ".join(f"0x{byte:02x}" for byte in word) for word in words)
    command = [f"llvm-mc{LLVM}", "--disassemble", "--triple=aarch64", "-mattr=+all"]
    said = run([*command, "--show-encoding"], stdin=listing + "\n")
    found = (_ENCODED.match(line) for line in said.splitlines())
    return {
        bytes(int(byte, 16) for byte in match[2].split(",")): match[1].replace("\t", " ")
        for match in found
        if match
    }


def words_of(block: Block) -> list[bytes]:
    """The block's instruction words."""
    return [block.code[i : i + WORD] for i in range(0, len(block.code), WORD)]


def split_write_back(instruction: str) -> list[str]:
    """A load that also moves its base register, as a load and an addition.

    In LLVM's models the base register would be ready only with the loaded value, and each turn of
    a loop would wait for the load of the turn before it.
    """
    if match := _POST_INDEXED.fullmatch(instruction):
        load, registers, base, step = match.groups()
        return [f"{load} {registers}, [{base}]", f"add {base}, {base}, {step}"]
    if match := _PRE_INDEXED.fullmatch(instruction):
        load, registers, base, step = match.groups()
        return [f"add {base}, {base}, {step}", f"{load} {registers}, [{base}]"]
    return [instruction]


def cycles_of(blocks: Sequence[Block], core: str) -> list[float]:
    """Cycles of one run of each block.

    Args:
        blocks: AArch64 code.
        core: LLVM's name of the core ("cortex-a72", "neoverse-n1").

    Raises:
        RuntimeMissingError: LLVM's tools are not installed.
    """
    if not blocks:
        return []
    text = disassemble(blocks)
    source: list[str] = []
    for index, block in enumerate(blocks):
        source.append(f"# LLVM-MCA-BEGIN {index}")
        for word in words_of(block):
            source += split_write_back(text.get(word, "nop"))
        source.append(f"# LLVM-MCA-END {index}")
    return _measure("\n".join(source) + "\n", core)


def _measure(source: str, core: str) -> list[float]:
    """Calls cost one cycle: a predicted branch, where llvm-mca would charge 100."""
    command = [f"llvm-mca{LLVM}", "-mtriple=aarch64", f"-mcpu={core}", f"-mattr={FEATURES}"]
    command += [f"-iterations={ROUNDS}", "--call-latency=1", "--json"]
    said = json.loads(run([*command, "--skip-unsupported-instructions=any"], stdin=source))
    cycles = {int(r["Name"]): r["SummaryView"]["TotalCycles"] for r in said["CodeRegions"]}
    return [cycles[index] / ROUNDS for index in sorted(cycles)]
