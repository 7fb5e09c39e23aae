"""From a trace to the cost of one inference."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edgesdk_runtimes.errors import InputError, ModelError
from edgesdk_targets.device import load_device
from edgesdk_targets.estimate import estimate
from edgesdk_targets.estimate.estimate import summarize
from edgesdk_targets.estimate.trace import Block, Trace

MODEL = Path(__file__).resolve().parents[3] / "native/tests/data/convolution.tflite"
ADD = bytes.fromhex("00040091")  # add x0, x0, #1


def chain(runs: int, length: int, symbol: str) -> Block:
    """Additions that wait for each other: a cycle each."""
    return Block(0x1000 * length, runs, length, length * ADD, symbol)


def pi4() -> Trace:
    """Three inferences of 100 runs of 10 additions and 25 runs of 20."""
    blocks = (chain(750, 20, "outer"), chain(300, 10, "inner"))
    return Trace((5, 6005, 12005, 18005), blocks)


needs_llvm = pytest.mark.skipif(
    shutil.which("llvm-mca-19") is None, reason="llvm-mca-19 is not installed (apt: llvm-19)"
)


@needs_llvm
def test_instructions_and_cycles_are_those_of_one_inference() -> None:
    found = summarize(load_device("raspberrypi4"), "native", pi4())
    assert (found.instructions, found.first_instructions) == (6000, 6000)
    assert found.cycles == pytest.approx(6000, rel=0.02)
    assert found.milliseconds == pytest.approx(6000 / 1.5e6, rel=0.02)


@needs_llvm
def test_functions_and_blocks_share_the_cycles_hottest_first() -> None:
    found = summarize(load_device("raspberrypi4"), "native", pi4())
    assert [(s.symbol, s.instructions) for s in found.symbols] == [("outer", 5000), ("inner", 1000)]
    assert [cost.block.symbol for cost in found.blocks] == ["outer", "inner"]
    assert sum(cost.cycles or 0 for cost in found.blocks) == pytest.approx(found.cycles)


def test_a_core_without_a_model_has_instructions_alone() -> None:
    found = summarize(load_device("raspberrypi3-32"), "native", pi4())
    assert (found.instructions, found.cycles, found.milliseconds) == (6000, None, None)
    assert found.symbols[0].symbol == "outer"


def test_inferences_that_do_not_agree_are_refused() -> None:
    changing = replace(pi4(), totals=(5, 6505, 12005, 18005))
    with pytest.raises(ModelError, match="first inference took 6500"):
        summarize(load_device("raspberrypi4"), "native", changing)


def test_an_unknown_runtime_or_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    device = load_device("raspberrypi4")
    with pytest.raises(InputError, match="choose from native, litert"):
        estimate(device, MODEL, "ncnn")
    with pytest.raises(InputError, match=r"no file .*gone\.tflite"):
        estimate(device, tmp_path / "gone.tflite", "native")


@needs_llvm
@pytest.mark.parametrize("target", ["raspberrypi4", "raspberrypi5"])
def test_the_native_runtime_is_measured_from_its_sources(target: str) -> None:
    for tool in ("qemu-aarch64", "aarch64-linux-gnu-gcc", "cmake"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    found = estimate(load_device(target), MODEL, "native")
    assert 1000 < found.instructions < 100_000  # a 4 x 4 x 2 input, four channels
    assert found.cycles is not None
    assert 0.2 < found.instructions / found.cycles < 4
    assert any(cost.symbol.startswith("er_") for cost in found.symbols)
