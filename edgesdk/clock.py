"""Clocks for budgets of latency: the native kernels here, or a core that is modelled."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgesdk.random_inputs import random_inputs
from edgesdk_quant.fingerprint import fingerprint
from edgesdk_quant.search.latency import Clock, Times
from edgesdk_runtimes import cpu
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import InputError, RuntimeMissingError
from edgesdk_runtimes.native import NativeRuntime, NativeSession
from edgesdk_runtimes.native_abi import library_path
from edgesdk_targets.build import build_program
from edgesdk_targets.device import Device, load_device
from edgesdk_targets.estimate import estimate
from edgesdk_targets.machines import this_machine

if TYPE_CHECKING:
    import onnx_ir as ir

    from edgesdk_quant.progress import Progress
    from edgesdk_quant.tflite.model import Model, Operator

ROUNDS = 30
# Instruction set of a target -> the last kernels that it runs; others run the fastest ones.
KERNELS = {"x86-64-v3": "avx2"}


def clock_for(target: str | os.PathLike[str]) -> Clock:
    """The clock of a target: its core's model where it is emulated, else this machine.

    Raises:
        InputError: neither can tell how long it takes there.
        RecipeError: there is no such target.
    """
    device = load_device(os.fspath(target))
    here = this_machine()
    if device.machine is None or device.machine.name == here.name:
        return NativeClock(KERNELS.get(device.isa, ""))
    if device.emulation is None or device.emulation.pipeline is None or device.hardware is None:
        raise InputError(
            f"Nothing here tells how long a layer takes on {device.name}: it is another machine "
            "than this one, and there is no model of its core. Give a budget of bytes, or a target "
            "with a model of its core (raspberrypi4, raspberrypi5)."
        )
    return CoreClock(device)


@dataclass(frozen=True)
class NativeClock:
    """The native kernels on one core of this machine: the fastest of interleaved rounds.

    Attributes:
        kernels: the last instruction set to use; "" for the fastest.
    """

    kernels: str = ""

    @property
    def name(self) -> str:
        return f"native here, {self.kernels or 'fastest'} kernels, one thread"

    @property
    def identity(self) -> str:
        library = hashlib.sha256(library_path().read_bytes()).hexdigest()
        return fingerprint([self.name, library, cpu.detect().model])

    def times(
        self, models: Sequence[ir.Model], wanted: frozenset[str], progress: Progress
    ) -> list[Times]:
        """See `Clock`; every layer is timed alone, and each graph as it really runs."""
        files = [_file(model) for model in models]
        alone = [self._open(data, unfused=True) for data in files]
        whole = [self._open(data, unfused=False) for data in files]
        inputs = random_inputs(alone[0].inputs)
        try:
            return self._measured(alone, whole, inputs, wanted, progress)
        finally:
            for session in (*alone, *whole):
                session.close()

    def _open(self, data: bytes, unfused: bool) -> NativeSession:
        return NativeRuntime().open(data, profile=True, kernels=self.kernels, unfused=unfused)

    @staticmethod
    def _measured(
        alone: list[NativeSession],
        whole: list[NativeSession],
        inputs: list[Array],
        wanted: frozenset[str],
        progress: Progress,
    ) -> list[Times]:
        """Each operator's fastest round: a busy machine disturbs some of them, never all."""
        sessions = [*alone, *whole]
        fastest: list[dict[str, int]] = [{} for _ in sessions]
        progress.start("timing layers", ROUNDS, "rounds")
        for _ in range(ROUNDS):
            for session, best in zip(sessions, fastest, strict=True):
                session.run(inputs)
                for node in session.nodes():
                    best[node.output] = min(
                        best.get(node.output, node.nanoseconds), node.nanoseconds
                    )
            progress.advance()
        progress.finish()
        singles, fused = fastest[: len(alone)], fastest[len(alone) :]
        return [
            Times(
                sum(best.values()) / 1e6,
                {name: ns / 1e6 for name, ns in each.items() if name in wanted},
            )
            for each, best in zip(singles, fused, strict=True)
        ]


@dataclass(frozen=True)
class CoreClock:
    """A core that is not here: exact instructions under qemu, cycles by LLVM's model of the core.

    Attributes:
        device: an emulated target with such a model.
    """

    device: Device

    @property
    def name(self) -> str:
        hardware = self.device.hardware
        core = "" if hardware is None else f" ({hardware.cpu} at {hardware.clock_mhz} MHz)"
        return f"{self.device.name}{core}, modelled, one core"

    @property
    def identity(self) -> str:
        machine = self.device.machine or this_machine()
        program = hashlib.sha256(build_program(machine).read_bytes()).hexdigest()
        return fingerprint([self.name, program, repr(self.device.emulation)])

    def times(
        self, models: Sequence[ir.Model], wanted: frozenset[str], progress: Progress
    ) -> list[Times]:
        """See `Clock`; layers of the same operator, shapes and types are modelled once."""
        from edgesdk_quant.tflite.reader import read_model
        from edgesdk_quant.tflite.writer import write_model

        files = [_file(model) for model in models]
        layers = [_operators(read_model(data), wanted) for data in files]
        kinds: dict[str, bytes] = {}
        for each in layers:
            for single in each.values():
                kinds.setdefault(_kind(single), write_model(single))
        costs: dict[str, float] = {}
        progress.start(f"modelling {self.device.name}", len(kinds) + len(files), "models")
        for kind, data in (*kinds.items(), *((str(i), data) for i, data in enumerate(files))):
            costs[kind] = self._milliseconds(data)
            progress.advance()
        progress.finish()
        return [
            Times(costs[str(i)], {name: costs[_kind(single)] for name, single in each.items()})
            for i, each in enumerate(layers)
        ]

    def _milliseconds(self, data: bytes) -> float:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.tflite"
            path.write_bytes(data)
            found = estimate(self.device, path, "native").milliseconds
        if found is None:
            raise RuntimeMissingError(f"LLVM has no model of the core of {self.device.name}.")
        return found


def _file(model: ir.Model) -> bytes:
    from edgesdk.export.tflite import lower
    from edgesdk_quant.tflite.writer import write_model

    return write_model(lower(model))


def _operators(model: Model, wanted: frozenset[str]) -> dict[str, Model]:
    """Value name -> a model of the one operator that computes it."""
    tensors = model.subgraphs[0].tensors
    found = {}
    for operator in model.subgraphs[0].operators:
        name = tensors[operator.outputs[0]].name
        if name in wanted:
            found[name] = _alone(model, operator)
    return found


def _alone(model: Model, operator: Operator) -> Model:
    """A model whose inputs are what the operator reads and whose outputs what it writes."""
    from edgesdk_quant.tflite.model import Subgraph

    tensors = model.subgraphs[0].tensors
    used = list(dict.fromkeys(i for i in (*operator.inputs, *operator.outputs) if i >= 0))
    place = {index: number for number, index in enumerate(used)} | {-1: -1}
    inputs, outputs = (
        tuple(place[i] for i in side) for side in (operator.inputs, operator.outputs)
    )
    given = tuple(place[i] for i in operator.inputs if i >= 0 and tensors[i].data is None)
    moved = replace(operator, inputs=inputs, outputs=outputs)
    main = Subgraph("main", tuple(tensors[i] for i in used), (moved,), given, outputs)
    return replace(model, subgraphs=(main,), metadata={})


def _kind(model: Model) -> str:
    """What the time of an operator depends on: itself, shapes and types."""
    main = model.subgraphs[0]
    operator = main.operators[0]
    shapes = [(t.type, t.shape, t.data is None) for t in main.tensors]
    return fingerprint([operator.code, repr(sorted(operator.options.items())), repr(shapes)])
