"""A model on a target and on this machine: the same inputs, outputs compared bit for bit."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgesdk_runtimes import RUNTIMES
from edgesdk_runtimes.base import Array, TensorSpec
from edgesdk_runtimes.errors import InputError
from edgesdk_targets.places import Place

FLOAT_ERROR = 1e-5


@dataclass(frozen=True)
class OutputComparison:
    """One output of a model, there and here.

    Attributes:
        name: in the model.
        shape: of the array.
        dtype: of the array.
        different: elements whose bits differ.
        largest: largest absolute difference; inf where one side has no number.
        allowed: what it may be: 0 for integers; for reals FLOAT_ERROR of the largest magnitude,
            because sums are added up in another order on another instruction set.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    different: int
    largest: float
    allowed: float


@dataclass(frozen=True)
class Comparison:
    """A run on a target: its outputs, and how they compare with this machine's.

    Attributes:
        place: where it ran, in words.
        arrays: the target's outputs.
        outputs: one comparison each.
    """

    place: str
    arrays: tuple[Array, ...]
    outputs: tuple[OutputComparison, ...]

    @property
    def same_bits(self) -> bool:
        """Whether every bit of every output is this machine's."""
        return all(output.different == 0 for output in self.outputs)

    @property
    def agrees(self) -> bool:
        """Whether integers are the same bits, and reals as close as instruction sets allow."""
        return all(output.largest <= output.allowed for output in self.outputs)


def run_and_compare(
    place: Place, program: Path, model: Path, inputs: Sequence[Array] | None = None
) -> Comparison:
    """Run a model with `edge-run` at a place, and with the native library here.

    Args:
        place: where the target is reached.
        program: `edge-run` for the target.
        model: a .tflite file.
        inputs: one array an input; None: the same random values at each call.

    Raises:
        InputError: no such file, or an array does not fit.
        ModelError: the model is refused.
        CommandError: the program failed there.
        RuntimeMissingError: the native library is not built here.
    """
    if not model.is_file():
        raise InputError(f"There is no file {model}; give a .tflite file.")
    session = RUNTIMES["native"].open(model.read_bytes())
    arrays = list(inputs) if inputs is not None else random_inputs(session.inputs)
    here = session.run(arrays)
    names = [spec.name for spec in session.outputs]
    session.close()
    there = _run_there(place, program, model, arrays, len(here))
    outputs = tuple(_compare(n, a, b) for n, a, b in zip(names, there, here, strict=True))
    return Comparison(place.describe(), tuple(there), outputs)


def random_inputs(specs: Sequence[TensorSpec]) -> list[Array]:
    """Values for a model: any byte for 8-bit inputs, [0, 1) for real ones, zeros for indices."""
    rng = np.random.default_rng(0)
    return [_random(spec, rng) for spec in specs]


def _random(spec: TensorSpec, rng: np.random.Generator) -> Array:
    shape = tuple(size or 1 for size in spec.shape)
    if spec.dtype.kind == "f":
        return rng.random(shape).astype(spec.dtype)
    if spec.dtype.itemsize == 1 and spec.dtype.kind in "iu":
        return rng.integers(0, 256, shape).astype(np.uint8).view(spec.dtype)
    return np.zeros(shape, spec.dtype)


def _run_there(
    place: Place, program: Path, model: Path, arrays: Sequence[Array], outputs: int
) -> list[Array]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").symlink_to(model.resolve())
        words = ["run", "model.tflite"]
        for index, array in enumerate(arrays):
            np.save(folder / f"input{index}.npy", array)
            words += ["--input", f"input{index}.npy"]
        for index in range(outputs):
            words += ["--output", f"output{index}.npy"]
        place.execute(program, words, folder)
        return [np.load(folder / f"output{index}.npy") for index in range(outputs)]


def _compare(name: str, there: Array, here: Array) -> OutputComparison:
    if there.shape != here.shape or there.dtype != here.dtype:
        raise InputError(
            f"{name} is {there.dtype}{list(there.shape)} on the target and "
            f"{here.dtype}{list(here.shape)} here: build both from the same sources."
        )
    bits = f"u{here.dtype.itemsize}"
    different = int(np.count_nonzero(there.view(bits) != here.view(bits)))
    largest = 0.0
    if different:
        with np.errstate(invalid="ignore"):
            gaps = np.abs(there.astype(np.float64) - here.astype(np.float64))
        largest = float(np.nan_to_num(gaps, nan=np.inf).max())
    return OutputComparison(name, here.shape, here.dtype.name, different, largest, _allowed(here))


def _allowed(here: Array) -> float:
    if here.dtype.kind != "f" or here.size == 0:
        return 0.0
    return FLOAT_ERROR * float(np.nan_to_num(np.abs(here.astype(np.float64))).max())
