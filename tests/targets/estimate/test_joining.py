"""Pieces of basic blocks, put together."""

from __future__ import annotations

from edgesdk_targets.estimate.joining import basic_blocks
from edgesdk_targets.estimate.trace import Block

ADD, BRANCH = "2000008b", "e1ffff54"  # add x0, x1, x0; b.ne


def block(address: int, runs: int, *words: str) -> Block:
    return Block(address, runs, len(words), bytes.fromhex("".join(words)), "f")


def test_a_block_cut_twice_becomes_one() -> None:
    pieces = [block(0, 5, ADD), block(4, 5, ADD, ADD), block(12, 5, BRANCH)]
    assert basic_blocks(pieces) == (block(0, 5, ADD, ADD, ADD, BRANCH),)


def test_pieces_that_share_an_end_each_get_it() -> None:
    pieces = [block(0, 2, ADD, ADD), block(4, 5, ADD), block(8, 7, BRANCH)]
    assert basic_blocks(pieces) == (block(4, 5, ADD, BRANCH), block(0, 2, ADD, ADD, BRANCH))


def test_what_other_code_jumps_to_stays_apart() -> None:
    pieces = [block(0, 2, ADD), block(4, 9, BRANCH)]
    assert set(basic_blocks(pieces)) == set(pieces)


def test_blocks_that_end_in_a_branch_stay_as_they_are() -> None:
    pieces = [block(0, 5, ADD, BRANCH), block(8, 5, ADD, BRANCH)]
    assert set(basic_blocks(pieces)) == set(pieces)
