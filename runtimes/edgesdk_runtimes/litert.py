"""LiteRT (ai-edge-litert), or the older tflite-runtime where only that is installed."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgesdk_runtimes.base import Array, RuntimeStatus, TensorSpec
from edgesdk_runtimes.errors import EdgeError, ModelError, RuntimeMissingError, UnsupportedError
from edgesdk_runtimes.fit import check_arrays

INSTALL = (
    "Install it: pip install ai-edge-litert (or, on Python up to 3.11 where it has no wheel, "
    "pip install 'edgesdk[tflite]')."
)
# Distribution on PyPI -> module of its interpreter, the better one first.
PACKAGES = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}
UNSUPPORTED = ("custom op", "Didn't find op", "unresolved", "Select TensorFlow op")


def _installed() -> str | None:
    """The distribution that will be used, None when there is none."""
    for package, module in PACKAGES.items():
        if importlib.util.find_spec(module.partition(".")[0]) is not None:
            return package
    return None


def _version(package: str) -> str:
    from importlib import metadata  # slow to import, and only asked for by probe

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # a nightly build under another name
        return "unknown"


def _interpreter_class() -> Any:
    package = _installed()
    if package is None:
        raise RuntimeMissingError(f"LiteRT is not installed. {INSTALL}")
    try:
        return importlib.import_module(PACKAGES[package]).Interpreter
    except ImportError as error:
        raise RuntimeMissingError(f"{package} cannot be imported ({error}). {INSTALL}") from error


def _refusal(error: Exception) -> EdgeError:
    reason = " ".join(str(error).split()).rstrip(".")
    kind = UnsupportedError if any(mark in reason for mark in UNSUPPORTED) else ModelError
    return kind(
        f"LiteRT refuses the model: {reason}. Check that the file is whole and a .tflite model."
    )


def _interpreter(model: bytes, threads: int) -> Any:
    interpreter_class = _interpreter_class()
    try:
        interpreter = interpreter_class(model_content=model, num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, TypeError) as error:
        raise _refusal(error) from error
    return interpreter


def _spec(detail: dict[str, Any]) -> TensorSpec:
    signature = detail.get("shape_signature", detail["shape"])
    shape = tuple(None if size < 0 else int(size) for size in signature)
    scales = detail["quantization_parameters"]["scales"]
    zero_points = detail["quantization_parameters"]["zero_points"]
    scale, zero_point = (float(scales[0]), int(zero_points[0])) if len(scales) else (None, None)
    return TensorSpec(detail["name"], shape, np.dtype(detail["dtype"]), scale, zero_point)


class LiteRtSession:
    """A model in a LiteRT interpreter."""

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        self._inputs = tuple(_spec(d) for d in interpreter.get_input_details())
        self._outputs = tuple(_spec(d) for d in interpreter.get_output_details())

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._outputs

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        if self._interpreter is None:
            raise ModelError("The session is closed; open the model again.")
        check_arrays(self._inputs, arrays)
        try:
            self._feed(arrays)
            self._interpreter.invoke()
            details = self._interpreter.get_output_details()
            return [self._interpreter.get_tensor(d["index"]) for d in details]
        except (ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise ModelError(f"LiteRT failed while running: {reason}") from error

    def _feed(self, arrays: Sequence[Array]) -> None:
        details = self._interpreter.get_input_details()
        resized = [
            (d["index"], a.shape)
            for d, a in zip(details, arrays, strict=True)
            if tuple(d["shape"]) != a.shape
        ]
        for index, shape in resized:
            self._interpreter.resize_tensor_input(index, shape)
        if resized:
            self._interpreter.allocate_tensors()
        for detail, array in zip(details, arrays, strict=True):
            self._interpreter.set_tensor(detail["index"], array)

    def close(self) -> None:
        self._interpreter = None


class LiteRtRuntime:
    """The adapter."""

    name = "litert"
    formats = frozenset({"tflite"})

    def probe(self) -> RuntimeStatus:
        package = _installed()
        if package is None:
            return RuntimeStatus(self.name, False, "", f"not installed. {INSTALL}")
        return RuntimeStatus(self.name, True, _version(package), f"{package}, XNNPACK kernels")

    def open(self, model: bytes, *, threads: int = 1) -> LiteRtSession:
        return LiteRtSession(_interpreter(model, threads))


@dataclass(frozen=True)
class PlannedOp:
    """An operator of the file and whether the XNNPACK delegate took it over."""

    code: str
    delegated: bool


def planned_ops(model: bytes) -> tuple[PlannedOp, ...]:
    """Say for each operator of the main subgraph, in file order, who will run it.

    LiteRT appends a DELEGATE node for each part it hands over; the operators of a part are those
    between its outputs and its inputs.

    Raises:
        RuntimeMissingError: LiteRT is not installed.
        ModelError: it refuses the model.
    """
    details = _interpreter(model, 1)._get_ops_details()
    ops = [d for d in details if d["op_name"] != "DELEGATE"]
    producer = {int(t): i for i, d in enumerate(ops) for t in d["outputs"]}
    taken: set[int] = set()
    for part in details:
        if part["op_name"] == "DELEGATE":
            taken |= _between(part, ops, producer)
    return tuple(PlannedOp(d["op_name"], i in taken) for i, d in enumerate(ops))


def _between(
    part: dict[str, Any], ops: Sequence[dict[str, Any]], producer: dict[int, int]
) -> set[int]:
    border = {int(t) for t in part["inputs"]}
    pending = [int(t) for t in part["outputs"]]
    found: set[int] = set()
    while pending:
        tensor = pending.pop()
        index = producer.get(tensor)
        if tensor in border or index is None or index in found:
            continue
        found.add(index)
        pending.extend(int(t) for t in ops[index]["inputs"])
    return found
