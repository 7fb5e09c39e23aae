"""A target as a machine: its processor, how programs are built for it, how it is emulated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgesdk_runtimes.errors import RecipeError
from edgesdk_targets.machines import MACHINES, Machine
from edgesdk_targets.tables import Table, read, refuse_unknown, subtable, text, whole

HARDWARE_KEYS = {"cpu", "cores", "clock_mhz", "l1_data_kb", "l2_kb", "l3_kb", "memory_mb"}
EMULATE_KEYS = {"cpu", "pipeline"}
SSH_KEYS = {"host", "config"}


@dataclass(frozen=True)
class Hardware:
    """What the board has. Caches are per core, but for the last level; 0 means none."""

    cpu: str
    cores: int
    clock_mhz: int
    l1_data_kb: int
    l2_kb: int
    l3_kb: int
    memory_mb: int


@dataclass(frozen=True)
class Emulation:
    """How qemu-user stands for it.

    Attributes:
        cpu: qemu's name of the core.
        pipeline: LLVM's name of the core whose scheduling model gives cycles; None: no model.
    """

    cpu: str
    pipeline: str | None


@dataclass(frozen=True)
class Board:
    """A real device over ssh.

    Attributes:
        host: as ssh takes it, "pi@raspberrypi.local".
        config: an ssh configuration file with port, key and so on; None: the user's own.
    """

    host: str
    config: Path | None = None


@dataclass(frozen=True)
class Device:
    """A target as a machine.

    Attributes:
        name: what users type.
        description: one sentence.
        isa: instruction set of its kernels.
        hardware: None where the description fits many machines.
        machine: what programs are built for; None: the machine that this runs on.
        emulation: None where it is not emulated.
        board: where a real one is reached; None where the description names none.
    """

    name: str
    description: str
    isa: str
    hardware: Hardware | None
    machine: Machine | None
    emulation: Emulation | None
    board: Board | None


def load_device(name_or_path: str | Path) -> Device:
    """Read a target's machine by name ("raspberrypi4") or from a .toml file.

    Raises:
        RecipeError: there is no such target, or its description says what is not allowed.
    """
    source = str(name_or_path)
    table = read(source)
    return Device(
        name=text(table, "name", source),
        description=text(table, "description", source),
        isa=text(table, "isa", source),
        hardware=_hardware(subtable(table, "hardware", source), source),
        machine=_machine(subtable(table, "build", source), source),
        emulation=_emulation(subtable(table, "emulate", source), source),
        board=_board(subtable(table, "ssh", source), source),
    )


def _hardware(table: Table, source: str) -> Hardware | None:
    refuse_unknown(table, HARDWARE_KEYS, f"{source}: [hardware]")
    if not table:
        return None
    return Hardware(
        cpu=text(table, "cpu", source),
        cores=whole(table, "cores", source),
        clock_mhz=whole(table, "clock_mhz", source),
        l1_data_kb=whole(table, "l1_data_kb", source),
        l2_kb=whole(table, "l2_kb", source),
        l3_kb=whole(table, "l3_kb", source) if "l3_kb" in table else 0,
        memory_mb=whole(table, "memory_mb", source),
    )


def _machine(table: Table, source: str) -> Machine | None:
    refuse_unknown(table, {"machine"}, f"{source}: [build]")
    if not table:
        return None
    name = text(table, "machine", source)
    if name not in MACHINES:
        raise RecipeError(f"{source}: machine is {name!r}; choose from {', '.join(MACHINES)}.")
    return MACHINES[name]


def _emulation(table: Table, source: str) -> Emulation | None:
    refuse_unknown(table, EMULATE_KEYS, f"{source}: [emulate]")
    if not table:
        return None
    pipeline = text(table, "pipeline", source) if "pipeline" in table else None
    return Emulation(text(table, "cpu", source), pipeline)


def _board(table: Table, source: str) -> Board | None:
    refuse_unknown(table, SSH_KEYS, f"{source}: [ssh]")
    if not table:
        return None
    config = Path(text(table, "config", source)) if "config" in table else None
    return Board(text(table, "host", source), config)
