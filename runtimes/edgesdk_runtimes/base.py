"""The one shape of a runtime adapter: probe what is installed, open a model, run arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a model, as the model file declares it.

    Attributes:
        name: the name in the file.
        shape: sizes, outermost first; None where the file leaves the size open (batch).
        dtype: numpy dtype of the arrays that go in or come out.
        scale: real = scale * (q - zero_point) for integer tensors, else None.
        zero_point: see scale.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True)
class RuntimeStatus:
    """What this machine has of a runtime; `detail` says what matters, or why it is missing."""

    name: str
    available: bool
    version: str
    detail: str


class Session(Protocol):
    """A model that is ready to run. Not thread-safe; one session, one thread."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Run once. Arrays match `inputs` in number, dtype and shape; results are fresh copies.

        Raises:
            InputError: an array does not fit its TensorSpec.
        """

    def close(self) -> None:
        """Give back all memory; a second call does nothing."""


class Runtime(Protocol):
    """A runtime, as the table `edgesdk_runtimes.RUNTIMES` lists it."""

    name: str
    formats: frozenset[str]
    """File kinds it opens: "onnx", "tflite"."""

    def probe(self) -> RuntimeStatus:
        """Say whether it is installed, never raising."""

    def open(self, model: bytes, *, threads: int = 1) -> Session:
        """Open a model file's bytes.

        Raises:
            RuntimeMissingError: the runtime is not installed.
            ModelError: it refuses the model; the message carries its reason.
            UnsupportedError: the model needs operators it lacks.
        """
