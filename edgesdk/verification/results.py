"""What a verification says, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgesdk.fusion_audit import Audit
from edgesdk.verification.layers import LayerDamage
from edgesdk.verification.origins import Origin


@dataclass(frozen=True)
class Border:
    """Least figures that a caller asks for; None asks for nothing.

    Attributes:
        min_sqnr: output SQNR in dB of every runtime.
        max_drop: most points of top-1 (of agreement, without labels) that a runtime may lose.
    """

    min_sqnr: float | None = None
    max_drop: float | None = None


@dataclass(frozen=True)
class RuntimeResult:
    """One artifact on one runtime.

    Attributes:
        artifact: file name.
        runtime: its name; "reference" is the simulation in numpy.
        top1: percent of samples whose best class is the label; None without labels.
        agreement: percent of best classes that are those of the float model; None where the
            outputs are no scores.
        sqnr_db: of all outputs against the float model, in dB.
        different: elements that differ from the simulation; None where there is none.
        elements: elements that were compared.
        largest_step: largest difference, in steps of the output's scale, or in units of the output
            where it is float.
        in_steps: whether `largest_step` is in steps.
        failure: why it did not run, "" where it did.
    """

    artifact: str
    runtime: str
    top1: float | None = None
    agreement: float | None = None
    sqnr_db: float | None = None
    different: int | None = None
    elements: int = 0
    largest_step: float = 0.0
    in_steps: bool = True
    failure: str = ""

    @property
    def largest_in_words(self) -> str:
        """E.g. "at most 1 step"."""
        unit = {True: " step" if self.largest_step == 1 else " steps", False: ""}[self.in_steps]
        return f"at most {self.largest_step:.3g}{unit}"


@dataclass(frozen=True)
class Verification:
    """Everything that `edgesdk verify` prints.

    Attributes:
        artifacts: files that were verified.
        samples: how many samples each runtime saw.
        float_top1: of the float model, in percent; None without labels.
        results: one for each artifact and runtime.
        audits: fused or delegated operators, one for each artifact and runtime that tells.
        layers: worst layers first.
        origins: operators where ONNX Runtime and the simulation part; empty where they agree.
        notes: sentences on what could not be done or was found on the way.
        missed: sentences on each figure beyond the border; empty when all hold.
    """

    artifacts: tuple[str, ...]
    samples: int
    float_top1: float | None
    results: tuple[RuntimeResult, ...]
    audits: tuple[Audit, ...]
    layers: tuple[LayerDamage, ...]
    origins: tuple[Origin, ...]
    notes: tuple[str, ...]
    missed: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every runtime is within the border that was asked for."""
        return not self.missed


def misses(
    results: tuple[RuntimeResult, ...], float_top1: float | None, border: Border
) -> tuple[str, ...]:
    """Say in a sentence each where a runtime is beyond the border."""
    found: list[str] = []
    for result in results:
        where = f"{result.artifact} on {result.runtime}"
        if result.failure:
            if border != Border():
                found.append(f"{where}: it does not run.")
            continue
        sqnr = math.nan if result.sqnr_db is None else result.sqnr_db
        if border.min_sqnr is not None and not sqnr >= border.min_sqnr:
            found.append(f"{where}: SQNR {sqnr:.2f} dB, below {border.min_sqnr:g} dB.")
        drop = _drop(result, float_top1)
        if border.max_drop is not None and drop is not None and drop > border.max_drop:
            found.append(f"{where}: {drop:.2f} points lost, more than {border.max_drop:g}.")
    return tuple(found)


def _drop(result: RuntimeResult, float_top1: float | None) -> float | None:
    """Points of top-1 lost; without labels, points of agreement."""
    if float_top1 is not None and result.top1 is not None:
        return float_top1 - result.top1
    return None if result.agreement is None else 100 - result.agreement
