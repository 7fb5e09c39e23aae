"""A model file in memory: which kind it is, and its bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgesdk_runtimes.errors import InputError, ModelError, UnsupportedError

if TYPE_CHECKING:
    from edgesdk_quant.tflite.model import Model

Source = str | os.PathLike[str] | bytes
KINDS = ".onnx or .tflite"


@dataclass(frozen=True)
class Artifact:
    """A model file.

    Attributes:
        name: path as it was given, "<bytes>" for bytes.
        format: "onnx", "tflite" or "spec" (a declaration for the null runtime).
        data: the whole file; ONNX weights kept beside the file are taken in.
    """

    name: str
    format: str
    data: bytes


def read_artifact(source: Source | Artifact) -> Artifact:
    """Read a model file, or take its bytes.

    Raises:
        InputError: no such file, not a file that can be read, or no file at all.
        ModelError: the file is empty.
    """
    if isinstance(source, Artifact):
        return source
    if isinstance(source, bytes):
        return Artifact("<bytes>", format_of(source, "<bytes>"), source)
    if not isinstance(source, str | os.PathLike):
        raise InputError(
            f"A {type(source).__name__} is no model file. Give the path or the bytes of a {KINDS} "
            "file; edgesdk.quantize(...).save(...) makes one of an nn.Module."
        )
    path = Path(source)
    data = _read(path)
    kind = format_of(data, str(path))
    return Artifact(str(path), kind, _with_weights(path, data) if kind == "onnx" else data)


def format_of(data: bytes, name: str) -> str:
    """Tell the kind of a model by its bytes; what is not TFLite and not JSON is ONNX.

    Raises:
        ModelError: there are no bytes, or a .tflite file has no TFLite mark.
    """
    if not data:
        raise ModelError(f"{name} is empty. Give a {KINDS} file.")
    if data[4:8] == b"TFL3":
        return "tflite"
    if name.endswith(".tflite"):
        raise ModelError(
            f"{name} has no 'TFL3' mark at byte 4, so it is no TFLite model. "
            "Give a whole .tflite file, or export the model again."
        )
    return "spec" if data[:1] == b"{" else "onnx"


def tflite_model(artifact: Artifact) -> Model:
    """A .tflite artifact as data.

    Raises:
        ModelError: it is malformed; names the file.
    """
    from edgesdk_quant.tflite.reader import read_model

    with naming(artifact):
        return read_model(artifact.data)


@contextmanager
def naming(artifact: Artifact) -> Iterator[None]:
    """Say which file is wrong, and what to do about a damaged one."""
    try:
        yield
    except UnsupportedError as error:
        raise type(error)(f"{artifact.name}: {error}") from error
    except ModelError as error:
        advice = "" if "again" in str(error) else ". Give the whole file, or export it again."
        raise type(error)(f"{artifact.name}: {error}{advice}") from error


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(f"{path} is a folder. Give a {KINDS} file in it.")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}. Give a {KINDS} file that exists.") from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}). Give a {KINDS} file that you may read."
        ) from error


def _with_weights(path: Path, data: bytes) -> bytes:
    """Take weights that an ONNX file keeps in other files into its own bytes."""
    if b"location" not in data:  # the key of every external tensor
        return data
    from edgesdk_quant.graph import load, to_bytes

    return to_bytes(load(path))
