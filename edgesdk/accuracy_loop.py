"""The accuracy-aware loop: better and dearer algorithms until real kernels drop little enough.

Each step is a whole quantization by a recipe; its artifact runs on a real runtime and is compared
with the float model on the same samples. What was measured is kept in the work folder, so that a
stopped run goes on with the step it was at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgesdk_runtimes.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from edgesdk.labels import Labels
    from edgesdk.quantized import Quantized
    from edgesdk_quant.data import CalibrationData
    from edgesdk_quant.recipe import Recipe
    from edgesdk_runtimes.base import Session


@dataclass(frozen=True)
class Attempt:
    """One step.

    Attributes:
        step: what it tried, e.g. "AdaRound".
        runtime: where it was measured.
        drop: points of top-1 below the float model; without labels percent of other answers.
        minutes: wall time; 0 for what an earlier run measured.
        holds: the drop is small enough.
    """

    step: str
    runtime: str
    drop: float
    minutes: float
    holds: bool


@dataclass(frozen=True)
class Outcome:
    """What the loop came to: the model of the step that holds, else of the one with least drop."""

    quantized: Quantized
    recipe: Recipe
    attempts: tuple[Attempt, ...]

    @property
    def holds(self) -> bool:
        """Whether the last step's drop is small enough."""
        return self.attempts[-1].holds


def steps_of(recipe: Recipe) -> Mapping[str, Recipe]:
    """The steps, cheapest first; those that change nothing of the one before are left out."""
    plain = _rounding(recipe, "nearest", equalization=False, bias_correction=False)
    corrected = _rounding(recipe, "nearest", equalization=True, bias_correction=True)
    learnt = _rounding(recipe, "adaround", equalization=True, bias_correction=True)
    steps = {
        "minmax ranges": _ranges(plain, "minmax"),
        "mse ranges": _ranges(plain, "mse"),
        "equalization + bias correction": _ranges(corrected, "mse"),
        "sequential MSE": _ranges(_rounding(corrected, "sequential_mse"), "mse"),
        "AdaRound": _ranges(learnt, "mse"),
    }
    if recipe.weights.bits == 4:
        for share in (0.15, 0.1875):
            wider = replace(_search(recipe), budget=share)
            steps[f"AdaRound, weights of {share:.0%} of float"] = replace(
                steps["AdaRound"], search=wider
            )
    return steps


def quantize_until(
    model: Any,
    calibration: Any,
    test: Any,
    labels: Labels | None,
    recipe: Recipe,
    *,
    max_drop: float,
    max_minutes: float,
    workdir: Path | None = None,
    tell: Callable[[Attempt], None] | None = None,
    runtime: str = "",
    **options: Any,
) -> Outcome:
    """Quantize by one step after another and stop at the first that holds.

    Args:
        model: a float graph, module or file, as in `quantize`.
        calibration: as in `quantize`.
        test: samples that the drop is measured on; best not the calibration samples.
        labels: their classes; None compares the answers with the float model's.
        recipe: where to start from.
        max_drop: largest drop that holds, in points.
        max_minutes: no step begins after them.
        workdir: folder that keeps what was measured.
        tell: told each step as soon as it is measured.
        runtime: "native" or "onnxruntime"; "" is native where the model can be lowered.
        options: `target`, `inputs`, `progress` of `quantize`.

    Raises:
        InputError: limits that nothing can meet, or data that is not usable.
    """
    from edgesdk.api import quantize

    _check_limits(max_drop, max_minutes)
    judge = _Judge(model, test, labels, options.get("inputs"))
    known = _Known(workdir, judge.key)
    began, attempts = time.monotonic(), list[Attempt]()
    best: tuple[float, Quantized, Recipe] | None = None
    for name, rules in steps_of(recipe).items():
        start = time.monotonic()
        if attempts and start - began > 60 * max_minutes:
            break
        before = known.get(rules)
        if before is not None and before[0] > max_drop:
            attempts.append(Attempt(name, before[1], before[0], 0.0, holds=False))
        else:
            made = quantize(model, calibration, rules, workdir=workdir, **options)
            drop, used = judge.drop(made, runtime)
            known.put(rules, drop, used)
            minutes = (time.monotonic() - start) / 60
            attempts.append(Attempt(name, used, drop, minutes, holds=drop <= max_drop))
            best = (drop, made, rules) if best is None or drop < best[0] else best
        if tell is not None:
            tell(attempts[-1])
        if attempts[-1].holds and best is not None:
            return Outcome(best[1], best[2], tuple(attempts))
    least = min(range(len(attempts)), key=lambda i: attempts[i].drop)
    if best is None or attempts[least].drop < best[0]:  # an earlier run measured it
        rules = list(steps_of(recipe).values())[least]
        made = quantize(model, calibration, rules, workdir=workdir, **options)
        best = (attempts[least].drop, made, rules)
    return Outcome(best[1], best[2], tuple(attempts))


def _check_limits(max_drop: float, max_minutes: float) -> None:
    if not 0 <= max_drop <= 100 or not max_minutes > 0:
        raise InputError(
            f"max_drop={max_drop} and max_minutes={max_minutes} were given; give a drop of 0 to "
            "100 points and some minutes, e.g. 0.5 and 20."
        )


def _rounding(recipe: Recipe, rounding: str, **switches: bool) -> Recipe:
    return replace(recipe, algorithms=replace(recipe.algorithms, rounding=rounding, **switches))


def _ranges(recipe: Recipe, method: str) -> Recipe:
    weights = replace(recipe.weights, range=method)
    activations = recipe.activations and replace(recipe.activations, range=method)
    return replace(recipe, weights=weights, activations=activations)


def _search(recipe: Recipe) -> Any:
    from edgesdk_quant.recipe import Search

    return recipe.search or Search()


class _Judge:
    """The float model's answers, and how many of a quantized model's are worse."""

    def __init__(self, model: Any, test: Any, labels: Labels | None, inputs: Any) -> None:
        from edgesdk.capture import capture
        from edgesdk_quant.data import open_data
        from edgesdk_quant.fingerprint import fingerprint
        from edgesdk_quant.graph import to_bytes

        self._labels = labels
        self._data: CalibrationData = open_data(test)
        floats = to_bytes(capture(model, inputs))
        self.key = fingerprint([floats, self._data.description, str(self._data.count)])
        self._answers = self._answer(_open(floats, "onnx", "onnxruntime"))

    def drop(self, made: Quantized, runtime: str) -> tuple[float, str]:
        """Points of drop, and the runtime that it was measured on."""
        session, used = _open_quantized(made, runtime)
        found = self._answer(session)
        if self._labels is None:
            same = [a == b for (_, a), (_, b) in zip(found, self._answers, strict=True)]
            return 100 * (1 - float(np.mean(same))), used
        return self._top1(self._answers) - self._top1(found), used

    def _answer(self, session: Session) -> list[tuple[str, int]]:
        from edgesdk.batching import run_batched

        try:
            return [
                (s.name, int(run_batched(session, s.arrays)[0].argmax()))
                for s in self._data.samples(session.inputs)
            ]
        finally:
            session.close()

    def _top1(self, answers: list[tuple[str, int]]) -> float:
        if self._labels is None:
            return 0.0
        pairs = [(self._labels.of(n, i), a) for i, (n, a) in enumerate(answers)]
        right = [label == answer for label, answer in pairs if label is not None]
        if not right:
            raise InputError("None of the samples has a label; the names must be those of files.")
        return 100 * float(np.mean(right))


def _open(data: bytes, kind: str, runtime: str) -> Session:
    from edgesdk.artifact import Artifact
    from edgesdk.sessions import open_session

    return open_session(Artifact("model", kind, data), runtime).session


def _open_quantized(made: Quantized, runtime: str) -> tuple[Session, str]:
    """Native, through the lowering, or ONNX Runtime for what TFLite cannot hold."""
    if runtime != "onnxruntime":
        try:
            return _open(made.to_bytes("onnx"), "onnx", "native"), "native"
        except UnsupportedError:
            if runtime:
                raise
    return _open(made.to_bytes("onnx"), "onnx", "onnxruntime"), "onnxruntime"


class _Known:
    """Drops that earlier runs measured, by recipe."""

    def __init__(self, workdir: Path | None, key: str) -> None:
        from edgesdk_quant.calibration.saved_state import SavedState

        self._saved = SavedState(workdir, "attempts", key)
        self._known = dict(self._saved.load())

    def get(self, recipe: Recipe) -> tuple[float, str] | None:
        found = self._known.get(_name(recipe))
        return None if found is None else (float(found[0]), str(found[1]))

    def put(self, recipe: Recipe, drop: float, runtime: str) -> None:
        self._known[_name(recipe)] = np.array([repr(drop), runtime])
        self._saved.save(self._known)


def _name(recipe: Recipe) -> str:
    from edgesdk_quant.fingerprint import fingerprint

    return fingerprint([recipe.to_toml()])
