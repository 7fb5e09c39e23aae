"""What a user gives as a model, data, labels or preprocessing, made into what the parts take."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgesdk.artifact import Artifact, read_artifact, tflite_model
from edgesdk.labels import Labels, labels_of_folders, read_labels
from edgesdk.layout import Permutation, SourceLayoutSession, inverse, parse_layout
from edgesdk.real_border import RealBorderSession
from edgesdk.sessions import Opened, open_session
from edgesdk_runtimes.base import TensorSpec
from edgesdk_runtimes.errors import InputError, ModelError

if TYPE_CHECKING:
    from edgesdk_quant.preprocess import Preprocess

PREPROCESS = "edgesdk.preprocess"


def model_named(text: str) -> Any:
    """The model that a command line names.

    Args:
        text: path of an .onnx file, or `package.module:factory`, a function without arguments that
            returns an `nn.Module` (or such a module itself).

    Raises:
        InputError: no such module or factory.
        ModelError: the factory failed.
    """
    module_name, separator, factory_name = text.partition(":")
    if not separator or text.endswith((".onnx", ".tflite")):
        return text
    if os.getcwd() not in sys.path:  # the command `edgesdk` does not look into its own folder
        sys.path.insert(0, os.getcwd())
    try:
        factory = getattr(importlib.import_module(module_name), factory_name)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"'{text}' cannot be imported ({error}). Give package.module:factory, importable from "
            "here, or the path of an .onnx file."
        ) from error
    if hasattr(factory, "state_dict") and not isinstance(factory, type):
        return factory
    try:
        return factory()
    except Exception as error:  # the user's own code: whatever it raises
        kind = type(error).__name__
        raise ModelError(f"{text}() failed with {kind}: {error}. Correct the factory.") from error


def float_model(model: Any, inputs: Any = None) -> Artifact:
    """The float model as an ONNX artifact; an .onnx file is taken as it is.

    Raises:
        InputError: no such file, or no such model.
        ModelError: it cannot be captured.
    """
    if isinstance(model, str | os.PathLike | bytes | Artifact) and inputs is None:
        artifact = read_artifact(model)
        if artifact.format != "onnx":
            raise InputError(f"{artifact.name} is no .onnx file. Give the float model as .onnx.")
        _refuse_quantized(artifact)
        return artifact
    from edgesdk.capture import capture
    from edgesdk_quant.graph import to_bytes

    return Artifact(f"<{type(model).__name__}>", "onnx", to_bytes(capture(model, inputs)))


def _refuse_quantized(artifact: Artifact) -> None:
    from edgesdk_quant.graph import is_quantized, load

    if is_quantized(load(artifact.data, artifact.name)):
        raise InputError(
            f"{artifact.name} is quantized. Give the float model that the artifact was made from."
        )


def preprocess_of(given: Preprocess | str | None, artifact: Artifact | None) -> Preprocess | None:
    """The preprocessing that was given, else the one that the artifact remembers.

    Raises:
        InputError: the text is not understood.
    """
    from edgesdk_quant.preprocess import Preprocess

    if isinstance(given, str):
        return Preprocess.parse(given)
    if given is not None or artifact is None or artifact.format == "spec":
        return given
    remembered = metadata_of(artifact).get(PREPROCESS)
    return None if remembered is None else Preprocess.parse(remembered)


def metadata_of(artifact: Artifact) -> dict[str, str]:
    """The `edgesdk.*` metadata of an artifact.

    Raises:
        ModelError: the file is malformed.
    """
    if artifact.format == "tflite":
        entries = tflite_model(artifact).metadata
        return {key: v.decode() for key, v in entries.items() if key.startswith("edgesdk.")}
    from edgesdk_quant.graph import load

    return {
        k: v
        for k, v in load(artifact.data, artifact.name).metadata_props.items()
        if k.startswith("edgesdk.")
    }


def labels_from(given: Labels | str | os.PathLike[str] | None, data: Any) -> Labels | None:
    """Labels of a CSV file, or of the data's own folders (one a class).

    Raises:
        InputError: the file is malformed.
    """
    if isinstance(given, Labels):
        return given
    if given is not None:
        return read_labels(given)
    if isinstance(data, str | os.PathLike) and Path(data).is_dir():
        return labels_of_folders(data)
    return None


def labels_needed(given: Labels | str | os.PathLike[str] | None, data: Any) -> Labels:
    """Labels as `labels_from` finds them.

    Raises:
        InputError: there are none, or the file is malformed.
    """
    labels = labels_from(given, data)
    if labels is None:
        raise InputError(
            "No labels were given, and the data has no folder for each class. "
            "Give a CSV file of labels (file,class)."
        )
    return labels


def open_as_source(artifact: Artifact, runtime: str, threads: int) -> Opened:
    """Open an artifact behind the border of its source model: real numbers, its layout.

    Raises:
        InputError: the runtime does not open such files.
        ModelError: the runtime refuses the model.
        RuntimeMissingError: the runtime is not installed.
    """
    opened = open_session(artifact, runtime, threads=threads)
    session = SourceLayoutSession(RealBorderSession(opened.session), _layout(artifact))
    return Opened(opened.runtime, session)


def source_inputs(artifact: Artifact, inputs: Sequence[TensorSpec]) -> tuple[TensorSpec, ...]:
    """The inputs of a file with their dimensions in the order of the source model."""
    layout = _layout(artifact)
    orders = [inverse(layout.get(spec.name, tuple(range(len(spec.shape))))) for spec in inputs]
    return tuple(
        replace(spec, shape=tuple(spec.shape[d] for d in order))
        for spec, order in zip(inputs, orders, strict=True)
    )


def _layout(artifact: Artifact) -> dict[str, Permutation]:
    if artifact.format != "tflite":
        return {}
    return parse_layout({k: text.encode() for k, text in metadata_of(artifact).items()})
