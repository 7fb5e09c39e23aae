"""Cycles of blocks: how loads are split, what LLVM's models say of known loops."""

from __future__ import annotations

import shutil

import pytest

from edgesdk_targets.estimate.pipeline import cycles_of, disassemble, split_write_back
from edgesdk_targets.estimate.trace import Block

needs_llvm = pytest.mark.skipif(
    shutil.which("llvm-mca-19") is None, reason="llvm-mca-19 is not installed (apt: llvm-19)"
)


def block(*words: int) -> Block:
    code = b"".join(word.to_bytes(4, "little") for word in words)
    return Block(address=0, runs=1, instructions=len(words), code=code, symbol="-")


def test_a_post_indexed_load_becomes_a_load_and_an_addition() -> None:
    assert split_write_back("ldr q4, [x2], #16") == ["ldr q4, [x2]", "add x2, x2, #16"]
    assert split_write_back("ldp d0, d6, [x13], #-16") == [
        "ldp d0, d6, [x13]",
        "add x13, x13, #-16",
    ]
    assert split_write_back("ld1 { v0.16b }, [x0], x3") == [
        "ld1 { v0.16b }, [x0]",
        "add x0, x0, x3",
    ]


def test_a_pre_indexed_load_adds_first() -> None:
    assert split_write_back("ldr w1, [x2, #8]!") == ["add x2, x2, #8", "ldr w1, [x2]"]


def test_other_instructions_stay_as_they_are() -> None:
    for instruction in (
        "ldr q1, [x2, x0]",
        "str q0, [x7], #16",
        "add x0, x0, #1",
        "ldr x0, [sp, #8]",
    ):
        assert split_write_back(instruction) == [instruction]


@needs_llvm
def test_words_are_read_as_little_endian_instructions() -> None:
    assert disassemble([block(0x4E829420)]) == {
        bytes.fromhex("2094824e"): "sdot v0.4s, v1.16b, v2.16b"
    }


@needs_llvm
def test_sixteen_independent_sdot_take_eight_cycles_on_two_pipes() -> None:
    """Arm's Cortex-A76 guide: SDOT on V0 and V1, one a cycle each."""
    sdot = [0x4E9E97C0 | accumulator for accumulator in range(16)]
    assert cycles_of([block(*sdot)], "neoverse-n1") == [pytest.approx(8, rel=0.05)]


@needs_llvm
def test_a_chain_of_additions_takes_a_cycle_for_each() -> None:
    add = 0x91000400  # add x0, x0, #1
    assert cycles_of([block(add, add, add)], "cortex-a72") == [pytest.approx(3, rel=0.05)]
