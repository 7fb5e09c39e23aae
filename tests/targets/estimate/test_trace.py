"""Counting under qemu: exact for a program whose instructions are known."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgesdk_runtimes.errors import ModelError
from edgesdk_targets.device import load_device
from edgesdk_targets.estimate.trace import read_trace, trace

# Ten turns of a loop of 3 instructions, three times, a marker before, between and after.
PROGRAM = """
.global _start
.type loop, %function
.macro mark
  mov x8, #12241          // 77777
  movk x8, #1, lsl #16
  mov x0, #0
  svc #0
.endm
_start:
  mov x2, #0
  mark
turns:
  mov x1, #10
loop:
  add x3, x3, x1
  subs x1, x1, #1
  b.ne loop
  mark
  add x2, x2, #1
  cmp x2, #3
  b.ne turns
  mov x8, #93             // exit(0)
  mov x0, #0
  svc #0
.size loop, . - loop
"""
# mov, 10 * 3, the marker's 4; after the first turn also add, cmp, b.ne.
FIRST, LATER = 1 + 30 + 4, 3 + 1 + 30 + 4


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for tool in ("qemu-aarch64", "aarch64-linux-gnu-gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    folder = tmp_path_factory.mktemp("loop")
    (folder / "loop.S").write_text(PROGRAM)
    words = ["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "loop.S", "-o", "loop"]
    subprocess.run(words, cwd=folder, check=True)
    return folder / "loop"


@pytest.mark.parametrize("target", ["raspberrypi4", "raspberrypi5"])
def test_instructions_between_markers_are_counted_exactly(program: Path, target: str) -> None:
    assert trace(load_device(target), [program]).steps == (FIRST, LATER, LATER)


def test_blocks_add_up_to_the_instructions_between_the_markers(program: Path) -> None:
    found = trace(load_device("raspberrypi4"), [program])
    assert sum(block.executed for block in found.blocks) == sum(found.steps)


def test_the_hottest_block_comes_first_with_its_function(program: Path) -> None:
    hottest = trace(load_device("raspberrypi4"), [program]).blocks[0]
    assert (hottest.symbol, hottest.instructions, len(hottest.code)) == ("loop", 3, 12)
    assert hottest.runs == 3 * 9  # each first turn belongs to the block of the `mov` before it


def test_a_program_without_markers_is_refused(tmp_path: Path, program: Path) -> None:
    source = PROGRAM.replace("svc #0\n.endm", "nop\n.endm")
    (tmp_path / "silent.S").write_text(source)
    words = ["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "silent.S", "-o", "silent"]
    subprocess.run(words, cwd=tmp_path, check=True)
    with pytest.raises(ModelError, match="0 markers"):
        trace(load_device("raspberrypi4"), [tmp_path / "silent"])


def test_a_trace_file_is_read_with_most_instructions_first() -> None:
    found = read_trace("M 0 100\nM 1 350\nB 1000 5 2 0011223344556677 -\nB 2000 80 3 00 inner\n")
    assert found.totals == (100, 350)
    assert found.steps == (250,)
    assert [(block.address, block.executed) for block in found.blocks] == [
        (0x2000, 240),
        (0x1000, 10),
    ]
