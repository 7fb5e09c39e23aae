"""Opening a model on a runtime: which one, through which lowering, in which layout."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from edgesdk.artifact import Artifact, naming
from edgesdk.footprint import run_afresh
from edgesdk.layout import SourceLayoutSession
from edgesdk_runtimes import RUNTIMES
from edgesdk_runtimes.base import Runtime, Session
from edgesdk_runtimes.errors import (
    EdgeError,
    InputError,
    ModelError,
    RuntimeMissingError,
    UnsupportedError,
)

# What "auto" tries, in this order.
PREFERRED: Mapping[str, tuple[str, ...]] = {
    "tflite": ("native", "litert"),
    "onnx": ("onnxruntime", "native", "litert"),
    "spec": ("null",),
}
REFERENCE = "reference"


@dataclass(frozen=True)
class Opened:
    """A session and the name of the runtime that it is in."""

    runtime: str
    session: Session


def runtime_names() -> tuple[str, ...]:
    """All runtimes, the numpy interpreter ("reference") last."""
    return (*RUNTIMES, REFERENCE)


def find_runtime(name: str) -> Runtime:
    """Look a runtime up by name.

    Raises:
        InputError: there is none of this name.
        RuntimeMissingError: the reference needs a package that is not installed.
    """
    if name == REFERENCE:
        return _reference()
    if name not in RUNTIMES:
        allowed = ", ".join(("auto", *runtime_names()))
        raise InputError(f"There is no runtime '{name}'. Choose one of: {allowed}.")
    return RUNTIMES[name]


def _reference() -> Runtime:
    from edgesdk_quant.reference import ReferenceRuntime

    return ReferenceRuntime()


def runs(runtime: Runtime, artifact: Artifact) -> bool:
    """Whether a runtime opens such a file, itself or through the lowering to TFLite."""
    return artifact.format in runtime.formats or (
        artifact.format == "onnx" and "tflite" in runtime.formats
    )


def open_session(artifact: Artifact, runtime: str = "auto", *, threads: int = 1) -> Opened:
    """Open a model.

    Raises:
        InputError: no such runtime or thread count, or the runtime does not open such files.
        ModelError: the runtime refuses the model.
        RuntimeMissingError: the runtime is not installed.
    """
    if not 1 <= threads <= 64:
        raise InputError(f"threads={threads} was given; it must be 1 to 64.")
    if runtime == "auto":
        return _open_first(artifact, threads)
    return Opened(runtime, _open_on(artifact, find_runtime(runtime), threads))


def open_guarded(artifact: Artifact, runtime: Runtime, threads: int) -> Session:
    """Open a file of the runtime's own format.

    Raises:
        ModelError: the runtime refuses the model, or would end this process with it.
    """
    if runtime.name == "litert" and (reason := _refused_by_native(artifact)):
        done = run_afresh(artifact, runtime.name, threads)
        if done.returncode < 0:
            ended = signal.Signals(-done.returncode).name
            raise ModelError(
                f"LiteRT ends its whole process on this model ({ended}). It is malformed: {reason}"
            )
    return runtime.open(artifact.data, threads=threads)


def _refused_by_native(artifact: Artifact) -> str:
    """Why the native runtime does not take a file; "" where it does, or is not there to ask."""
    try:
        RUNTIMES["native"].open(artifact.data, threads=1).close()
    except ModelError as error:
        return str(error)
    except RuntimeMissingError:
        pass
    return ""


def _open_first(artifact: Artifact, threads: int) -> Opened:
    names = PREFERRED[artifact.format]
    refused: list[str] = []
    for name in names:
        try:
            session = _open_on(artifact, find_runtime(name), threads)
        except (RuntimeMissingError, UnsupportedError) as error:
            refused.append(f"{name}: {error}")
            last: EdgeError = error
            continue
        if refused:
            warnings.warn(f"Running {artifact.name} on {name}. {' '.join(refused)}", stacklevel=4)
        return Opened(name, session)
    raise type(last)(f"No runtime here runs {artifact.name}. {' '.join(refused)}") from last


def _open_on(artifact: Artifact, runtime: Runtime, threads: int) -> Session:
    if artifact.format in runtime.formats:
        with naming(artifact):
            return open_guarded(artifact, runtime, threads)
    if not runs(runtime, artifact):
        kinds = " and ".join(f".{kind}" for kind in sorted(runtime.formats))
        raise InputError(
            f"{artifact.name} is a .{artifact.format} model; runtime '{runtime.name}' opens "
            f"{kinds}. Choose one of: {', '.join(PREFERRED[artifact.format])}."
        )
    from edgesdk.lowering import lower_artifact

    lowered = lower_artifact(artifact)
    return SourceLayoutSession(runtime.open(lowered.data, threads=threads), lowered.layout)
