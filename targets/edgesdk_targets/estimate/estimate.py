"""What an inference costs on a device not at hand: instructions exact, cycles modelled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgesdk_runtimes.errors import InputError, ModelError
from edgesdk_targets.build import build_program
from edgesdk_targets.device import Device
from edgesdk_targets.estimate.joining import basic_blocks
from edgesdk_targets.estimate.pipeline import cycles_of
from edgesdk_targets.estimate.trace import Block, Trace, trace
from edgesdk_targets.sysroot import litert_version, python_root

# The first inference is compared with the mean of the two after it: N against 2N.
RUNS = 3
MOST_DIFFERENCE = 0.002
FEW_INSTRUCTIONS = 16  # a single small operator; which way a branch goes is seen there
# Blocks that are modelled one by one hold this share of all instructions; the rest gets their mean.
COVERED = 0.999


@dataclass(frozen=True)
class BlockCost:
    """A block and what it costs in one inference.

    Attributes:
        block: with its code.
        instructions: executed in one inference.
        cycles: in one inference; None without a model of the core.
    """

    block: Block
    instructions: float
    cycles: float | None


@dataclass(frozen=True)
class SymbolCost:
    """A function and what its own code costs in one inference."""

    symbol: str
    instructions: float
    cycles: float | None


@dataclass(frozen=True)
class Estimate:
    """One runtime, one model, one inference on one core of a device.

    Attributes:
        runtime: its name.
        version: of a peer, as it is installed in the emulated root; "" for our own.
        instructions: exact, mean of the last two inferences.
        first_instructions: exact, of the inference before them.
        cycles: by the model; None without a model of the core.
        milliseconds: these cycles at the device's clock.
        blocks: the hottest first, down to 99.9 % of all instructions.
        symbols: the same by function.
    """

    runtime: str
    version: str
    instructions: float
    first_instructions: int
    cycles: float | None
    milliseconds: float | None
    blocks: tuple[BlockCost, ...]
    symbols: tuple[SymbolCost, ...]


def estimate(device: Device, model: Path, runtime: str, compiler: str = "gcc") -> Estimate:
    """Count and model one inference of `model`.

    Args:
        device: an emulated target.
        model: a .tflite file.
        runtime: "native" or "litert".
        compiler: that builds the native runtime; what zig builds has no names of functions.

    Raises:
        InputError: an unknown runtime, no such file, or a device that is not emulated.
        ModelError: the inferences of one process do not agree within 0.2 %.
        RuntimeMissingError: a tool or the runtime for this machine is not installed.
    """
    if runtime not in RUNTIMES:
        raise InputError(f"Runtime {runtime!r} was given; choose from {', '.join(RUNTIMES)}.")
    if not model.is_file():
        raise InputError(f"There is no file {model}; give a .tflite file.")
    traced = RUNTIMES[runtime](device, model.resolve(), compiler)
    version = "" if runtime == "native" else litert_version(python_root(device))
    return summarize(device, runtime, traced, version)


def _trace_native(device: Device, model: Path, compiler: str) -> Trace:
    if device.machine is None:
        raise InputError(f"{device.name} has no [build] machine; it is not emulated.")
    program = build_program(device.machine, compiler)
    return trace(device, [program, "bench", model, "--runs", str(RUNS)])


def _trace_litert(device: Device, model: Path, compiler: str) -> Trace:
    """`compiler` has no say: LiteRT comes built."""
    root = python_root(device)
    loop = Path(__file__).with_name("litert_loop.py")
    return trace(device, [root / "usr/bin/python3", loop, model, str(RUNS)], root=root)


RUNTIMES: Mapping[str, Callable[[Device, Path, str], Trace]] = {
    "native": _trace_native,
    "litert": _trace_litert,
}


def summarize(device: Device, runtime: str, traced: Trace, version: str = "") -> Estimate:
    """Turn a trace of RUNS inferences into the cost of one."""
    first, *later = traced.steps
    instructions = sum(later) / len(later)
    if abs(first - instructions) > max(MOST_DIFFERENCE * instructions, FEW_INSTRUCTIONS):
        raise ModelError(
            f"{runtime}: the first inference took {first} instructions and the next "
            f"{instructions:.0f} each; a count that changes cannot be compared."
        )
    blocks = _block_costs(device, traced)
    cycles = _total_cycles(blocks, instructions)
    clock_mhz = device.hardware.clock_mhz if device.hardware else None
    return Estimate(
        runtime=runtime,
        version=version,
        instructions=instructions,
        first_instructions=first,
        cycles=cycles,
        milliseconds=cycles / clock_mhz / 1e3 if cycles and clock_mhz else None,
        blocks=blocks,
        symbols=_by_symbol(blocks),
    )


def _block_costs(device: Device, traced: Trace) -> tuple[BlockCost, ...]:
    runs = len(traced.steps)
    pipeline = device.emulation.pipeline if device.emulation else None
    hot = _covering(traced.blocks if pipeline is None else basic_blocks(traced.blocks), traced)
    if pipeline is None:
        return tuple(BlockCost(block, block.executed / runs, None) for block in hot)
    costs = [
        BlockCost(block, block.executed / runs, block.runs * cycles / runs)
        for block, cycles in zip(hot, cycles_of(hot, pipeline), strict=True)
    ]
    return tuple(sorted(costs, key=lambda cost: -(cost.cycles or 0)))


def _covering(blocks: Sequence[Block], traced: Trace) -> list[Block]:
    """The blocks with most instructions that together hold COVERED of all."""
    wanted = COVERED * sum(traced.steps)
    hot: list[Block] = []
    for block in blocks:
        if wanted <= 0:
            break
        hot.append(block)
        wanted -= block.executed
    return hot


def _total_cycles(blocks: tuple[BlockCost, ...], instructions: float) -> float | None:
    if any(cost.cycles is None for cost in blocks):
        return None
    covered = sum(cost.instructions for cost in blocks)
    return sum(cost.cycles or 0 for cost in blocks) * instructions / covered


def _by_symbol(blocks: tuple[BlockCost, ...]) -> tuple[SymbolCost, ...]:
    groups: dict[str, list[BlockCost]] = defaultdict(list)
    for cost in blocks:
        groups[cost.block.symbol].append(cost)
    symbols = [
        SymbolCost(
            symbol,
            sum(cost.instructions for cost in costs),
            None
            if any(cost.cycles is None for cost in costs)
            else sum(cost.cycles or 0 for cost in costs),
        )
        for symbol, costs in groups.items()
    ]
    return tuple(sorted(symbols, key=lambda s: -(s.instructions if s.cycles is None else s.cycles)))
