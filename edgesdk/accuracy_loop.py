"""The accuracy-aware loop: better and dearer algorithms until real kernels drop little enough.

Each step is a whole quantization by a recipe; its artifact runs on a real runtime and is compared
with the float model on the same samples. What was measured is kept in the work folder, so that a
stopped run goes on with the step it was at.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgesdk.attempts import Attempt, Outcome
from edgesdk.drop import Drop, DropMeter
from edgesdk.escalation import steps_of
from edgesdk_runtimes.errors import InputError

if TYPE_CHECKING:
    from edgesdk.labels import Labels
    from edgesdk.quantized import Quantized
    from edgesdk_quant.preprocess import Preprocess
    from edgesdk_quant.progress import Progress
    from edgesdk_quant.recipe import Recipe

PathText = str | os.PathLike[str]


def quantize_until(
    model: Any,
    calibration: Any = None,
    recipe: str | PathText | Recipe = "w4a8",
    target: PathText = "generic",
    *,
    test: Any = None,
    labels: Labels | PathText | None = None,
    max_drop: float = 0.5,
    max_minutes: float = 20.0,
    inputs: Any = None,
    preprocess: Preprocess | str | None = None,
    limit: int | None = None,
    workdir: PathText | None = None,
    tell: Callable[[Attempt], None] | None = None,
    runtime: str = "",
    progress: Progress | None = None,
) -> Outcome:
    """Quantize by one step after another and stop at the first that holds on real kernels.

    Args:
        model: as in `quantize`, and so are calibration, recipe (where to start from), target,
            inputs, preprocess, limit and progress.
        calibration: samples; what `limit` leaves of them is the test data where none is given.
        recipe: where to start from.
        target: what the model is for.
        test: samples that the drop is measured on, other than those of calibration.
        labels: CSV file, or one folder a class in `test`; without any the quantized model's answers
            are compared with the float model's, and a drop is the percent of other answers.
        max_drop: largest drop that holds, in points.
        max_minutes: a step that is not done after them is given up, but for the first.
        inputs: shapes of a module's inputs.
        preprocess: how images become arrays.
        limit: use only the first samples for calibration.
        workdir: folder that keeps what was measured, and the state of the step.
        tell: told each step as soon as it is measured.
        runtime: "native" or "onnxruntime"; "" is native where the model can be lowered.
        progress: told how far it is; None tells nobody.

    Raises:
        InputError: limits that nothing can meet, or data that is not usable.
        RecipeError: recipe or target is wrong.
    """
    from edgesdk.capture import capture
    from edgesdk.sources import labels_from, preprocess_of
    from edgesdk_quant.data import open_data
    from edgesdk_quant.progress import Silent
    from edgesdk_quant.recipe import Recipe

    _check_limits(max_drop, max_minutes)
    steps, progress = preprocess_of(preprocess, None), progress or Silent()
    samples = None if calibration is None else open_data(calibration, steps)
    judged = _left(samples, limit) if test is None else open_data(test, steps)
    classes = labels_from(labels, calibration if test is None else test)
    if classes is not None and test is None:
        classes = classes.skipped(limit or 0)
    graph = capture(model, inputs)
    meter = DropMeter(graph, judged, classes, progress)
    options = {
        "model": graph, "calibration": None if samples is None else samples.limited(limit),
        "target": target, "preprocess": steps, "workdir": workdir,
    }  # fmt: skip
    whence = "" if samples is None else f"{samples.description} {samples.count}"
    key = f"{meter.key} {runtime} {whence} {limit} {steps} {os.fspath(target)}"
    known = _Known(None if workdir is None else Path(workdir), key)
    loop = _Loop(meter, max_drop, max_minutes, known, tell, runtime, progress, options)
    rules = recipe if isinstance(recipe, Recipe) else Recipe.load(os.fspath(recipe))
    return replace(loop.run(rules), test=judged, labels=classes)


def _check_limits(max_drop: float, max_minutes: float) -> None:
    if not 0 <= max_drop <= 100 or not max_minutes > 0:
        raise InputError(
            f"max_drop={max_drop} and max_minutes={max_minutes} were given; give a drop of 0 to "
            "100 points and some minutes, e.g. 0.5 and 20."
        )


def _left(samples: Any, limit: int | None) -> Any:
    """The samples that calibration does not use."""
    if samples is None or limit is None or samples.count <= limit:
        raise InputError(
            "There is nothing to measure the drop on: give test data (--test), or calibrate on a "
            "part of the samples (--limit 64) and the rest is the test data."
        )
    return samples.skipped(limit)


class _OutOfTimeError(Exception):
    """Ends a step from inside; its state is kept."""


@dataclass
class _Deadline:
    """Progress that ends the work when the time is up."""

    inner: Progress
    end: float

    def start(self, task: str, total: int | None, unit: str) -> None:
        self._check()
        self.inner.start(task, total, unit)

    def advance(self, units: int = 1) -> None:
        self.inner.advance(units)
        self._check()

    def finish(self) -> None:
        self.inner.finish()

    def _check(self) -> None:
        if time.monotonic() > self.end:
            raise _OutOfTimeError


@dataclass
class _Loop:
    """One run of the loop."""

    meter: DropMeter
    max_drop: float
    max_minutes: float
    known: _Known
    tell: Callable[[Attempt], None] | None
    runtime: str
    progress: Progress
    options: Mapping[str, Any]
    best: tuple[float, Quantized] | None = None

    def run(self, recipe: Recipe) -> Outcome:
        steps = steps_of(recipe)
        end = time.monotonic() + 60 * self.max_minutes
        attempts: list[Attempt] = []
        unfinished = ""
        for name, rules in steps.items():
            try:
                attempts.append(self._attempt(name, rules, end))
            except _OutOfTimeError:
                unfinished = name
                break
            if self.tell is not None:
                self.tell(attempts[-1])
            if attempts[-1].holds:
                break
        least = min(attempts, key=lambda attempt: attempt.points)
        rules = steps[least.step]
        if self.best is None or least.points < self.best[0]:  # an earlier run measured it
            self.best = least.points, self._make(rules, self.progress)
        limits = (self.max_drop, self.max_minutes)
        return Outcome(self.best[1], rules, tuple(attempts), self.meter.score, *limits, unfinished)

    def _attempt(self, name: str, rules: Recipe, end: float) -> Attempt:
        """Measure a step; the first one of all has all the time that it takes."""
        before = self.known.get(rules)
        if before is not None and before.points > self.max_drop:
            return Attempt(name, before, 0.0)
        start = time.monotonic()
        progress = self.progress if self.best is None else _Deadline(self.progress, end)
        try:
            made = self._make(rules, progress)
        except InputError as error:
            if self.best is None:
                raise
            return Attempt(name, None, (time.monotonic() - start) / 60, refusal=str(error))
        drop = self.meter.measure(made, self.runtime, progress)
        self.known.put(rules, drop)
        if self.best is None or drop.points < self.best[0]:
            self.best = drop.points, made
        minutes = (time.monotonic() - start) / 60
        return Attempt(name, drop, minutes, holds=drop.points <= self.max_drop)

    def _make(self, rules: Recipe, progress: Progress) -> Quantized:
        from edgesdk.api import quantize

        return quantize(recipe=rules, progress=progress, **self.options)


class _Known:
    """Drops that earlier runs measured, by recipe."""

    def __init__(self, workdir: Path | None, key: str) -> None:
        from edgesdk_quant.calibration.saved_state import SavedState
        from edgesdk_quant.fingerprint import fingerprint

        self._saved = SavedState(workdir, "attempts", fingerprint([key]))
        self._known = dict(self._saved.load())

    def get(self, recipe: Recipe) -> Drop | None:
        found = self._known.get(_name(recipe))
        if found is None:
            return None
        return Drop(str(found[0]), float(found[1]), float(found[2]), int(found[3]))

    def put(self, recipe: Recipe, drop: Drop) -> None:
        figures = [repr(drop.score), repr(drop.points), str(drop.size_bytes)]
        self._known[_name(recipe)] = np.array([drop.runtime, *figures])
        self._saved.save(self._known)


def _name(recipe: Recipe) -> str:
    from edgesdk_quant.fingerprint import fingerprint

    return fingerprint([recipe.to_toml()])
