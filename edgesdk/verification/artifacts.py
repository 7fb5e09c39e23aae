"""The files under test: an artifact, its sibling of the other kind, and what they lower to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edgesdk.artifact import Artifact, read_artifact, tflite_model
from edgesdk.layout import Permutation, parse_layout
from edgesdk.lowering import lower_artifact
from edgesdk.verification.grid import grid_of
from edgesdk_quant.tflite.model import Model
from edgesdk_quant.tflite.reader import read_model
from edgesdk_runtimes.errors import EdgeError, InputError

SIBLINGS = (".onnx", ".tflite")


@dataclass(frozen=True)
class Artifacts:
    """The files under test.

    Attributes:
        onnx: None where only a .tflite file was given.
        tflite: the file beside it, or what the .onnx file lowers to in memory.
        model: the .tflite file as data.
        tflite_error: why there is no `tflite`, "" where there is.
    """

    onnx: Artifact | None
    tflite: Artifact | None
    model: Model | None
    tflite_error: str

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the files that there are."""
        return tuple(a.name for a in (self.onnx, self.tflite) if a is not None)

    @property
    def layout(self) -> dict[str, Permutation]:
        """Permutations that the .tflite file gives for its inputs and outputs."""
        return {} if self.model is None else parse_layout(self.model.metadata)

    @property
    def output_step(self) -> float | None:
        """Scale of the first output, also before a DEQUANTIZE; None where it is float."""
        return None if self.model is None else _output_step(self.model)


def collect(path: str | os.PathLike[str], reference: str) -> Artifacts:
    """Read an artifact and its sibling of the other kind (`model.onnx` beside `model.tflite`).

    Args:
        path: .onnx or .tflite file.
        reference: path of the float model, which is no sibling.

    Raises:
        InputError: no such file, or no model file.
        ModelError: a file is malformed.
    """
    given = read_artifact(path)
    siblings = [read_artifact(p) for p in _siblings(Path(path), reference)]
    found = {artifact.format: artifact for artifact in (*siblings, given)}
    onnx, tflite = found.get("onnx"), found.get("tflite")
    if tflite is not None:
        return Artifacts(onnx, tflite, tflite_model(tflite), "")
    if onnx is None:
        raise InputError(f"{path} is no model. Give a .onnx or .tflite file.")
    return _lowered(onnx)


def _siblings(path: Path, reference: str) -> list[Path]:
    candidates = (path.with_suffix(suffix) for suffix in SIBLINGS)
    taken = {path.resolve(), Path(reference).resolve()}
    return [p for p in candidates if p.is_file() and p.resolve() not in taken]


def _lowered(onnx: Artifact) -> Artifacts:
    try:
        data = lower_artifact(onnx).data
    except EdgeError as error:
        return Artifacts(onnx, None, None, str(error))
    name = f"{onnx.name} (lowered)"
    return Artifacts(onnx, Artifact(name, "tflite", data), read_model(data), "")


def _output_step(model: Model) -> float | None:
    main = model.subgraphs[0]
    output = main.outputs[0]
    producer = next((op for op in main.operators if output in op.outputs), None)
    if producer is not None and producer.code == "DEQUANTIZE":
        output = producer.inputs[0]
    grid = grid_of(main.tensors[output])
    return None if grid is None else grid.scale
