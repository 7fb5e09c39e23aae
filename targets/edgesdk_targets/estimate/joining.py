"""Basic blocks of AArch64 code: qemu ends a block at a page's end, and where code is long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from edgesdk_targets.estimate.trace import Block

WORD = 4
# (mask, value) of the instructions that end a basic block.
# Source: Arm Architecture Reference Manual, C4.1 "A64 instruction set encoding", branches.
_BRANCHES = (
    (0x7C000000, 0x14000000),  # B, BL
    (0xFF000010, 0x54000000),  # B.cond
    (0x7C000000, 0x34000000),  # CBZ, CBNZ, TBZ, TBNZ
    (0xFE000000, 0xD6000000),  # BR, BLR, RET
    (0xFF000000, 0xD4000000),  # SVC and other exceptions
)


def basic_blocks(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Put the pieces of cut blocks together; most instructions first.

    A piece that ends in no branch goes on in the block behind it. Where several pieces go on in one
    block, which then ran as often as all of them, each gets its own copy.
    """
    found = {block.address: block for block in blocks}
    heads: dict[int, list[int]] = defaultdict(list)
    for block in found.values():
        if not _ends_in_branch(block):
            heads[block.address + len(block.code)].append(block.address)
    for address in sorted(heads, reverse=True):
        _join(found, heads[address], address)
    return tuple(sorted(found.values(), key=lambda block: (-block.executed, block.address)))


def _join(found: dict[int, Block], heads: Sequence[int], address: int) -> None:
    tail = found.get(address)
    if tail is None or sum(found[head].runs for head in heads) != tail.runs:
        return
    del found[address]
    for head in heads:
        block = found[head]
        found[head] = replace(
            block,
            instructions=block.instructions + tail.instructions,
            code=block.code + tail.code,
        )


def _ends_in_branch(block: Block) -> bool:
    word = int.from_bytes(block.code[-WORD:], "little")
    return any(word & mask == value for mask, value in _BRANCHES)
