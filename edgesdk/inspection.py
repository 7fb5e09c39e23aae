"""What is in a model file: operators, dtypes, sizes, and how it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgesdk.artifact import Artifact, Source, read_artifact, tflite_model
from edgesdk_runtimes.base import TensorSpec
from edgesdk_runtimes.errors import InputError, ModelError

OURS = "edgesdk."


@dataclass(frozen=True)
class Count:
    """How often something occurs, and how many bytes it takes."""

    name: str
    count: int
    size_bytes: int = 0


@dataclass(frozen=True)
class Inspection:
    """A model file.

    Attributes:
        name: its path.
        format: "onnx" or "tflite".
        size_bytes: of the whole file.
        inputs: what it takes, in the file's layout.
        outputs: what it gives.
        operators: most frequent first.
        weights: constants by element type, with their bytes, largest first.
        activations: computed values by element type, most frequent first.
        metadata: `edgesdk.*` entries (recipe, version, hashes, layout) and others that are text.
    """

    name: str
    format: str
    size_bytes: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    operators: tuple[Count, ...]
    weights: tuple[Count, ...]
    activations: tuple[Count, ...]
    metadata: Mapping[str, str]

    @property
    def recipe(self) -> str:
        """The recipe's text, "" where the file was not made by EdgeSDK."""
        return self.metadata.get(OURS + "recipe", "")


def inspect_model(model: Source | Artifact) -> Inspection:
    """Look into a model file without running it.

    Raises:
        InputError: no such file, or not a kind that can be looked into.
        ModelError: it is malformed.
    """
    artifact = read_artifact(model)
    if artifact.format == "tflite":
        return _inspect_tflite(artifact)
    if artifact.format == "onnx":
        return _inspect_onnx(artifact)
    raise InputError(f"{artifact.name} is a declaration for the null runtime; give a model file.")


def _inspect_tflite(artifact: Artifact) -> Inspection:
    from edgesdk_quant.tflite.model import Tensor

    model = tflite_model(artifact)
    main = model.subgraphs[0]
    tensors = [t for graph in model.subgraphs for t in graph.tensors]

    def spec(tensor: Tensor) -> TensorSpec:
        scheme = tensor.quantization
        scale, zero = (
            (float(scheme.scale[0]), int(scheme.zero_point[0])) if scheme else (None, None)
        )
        return TensorSpec(tensor.name, tensor.shape, _dtype(tensor.type), scale, zero)

    return Inspection(
        artifact.name,
        artifact.format,
        len(artifact.data),
        tuple(spec(main.tensors[i]) for i in main.inputs),
        tuple(spec(main.tensors[i]) for i in main.outputs),
        _frequent(op.code for graph in model.subgraphs for op in graph.operators),
        _weighty((t.type, _stored_bytes(t)) for t in tensors if t.data is not None),
        _frequent(t.type for t in tensors if t.data is None),
        _readable({"description": model.description.encode(), **model.metadata}),
    )


def _dtype(name: str) -> np.dtype[Any]:
    """The numpy dtype of a schema type; object for what numpy lacks (STRING, INT4, RESOURCE)."""
    try:
        return np.dtype(name.lower())
    except TypeError:
        return np.dtype(object)


def _stored_bytes(tensor: Any) -> int:
    """Bytes in the file: INT4 is held unpacked in memory."""
    return (tensor.data.size + 1) // 2 if tensor.type == "INT4" else int(tensor.data.nbytes)


def _inspect_onnx(artifact: Artifact) -> Inspection:
    from edgesdk_quant.graph import load, value_shape
    from edgesdk_quant.graph.shapes import infer_shapes

    model = load(artifact.data, artifact.name)
    with suppress(ModelError):  # types that contradict each other: what the file says is shown
        infer_shapes(model)
    graph = model.graph
    constants = {v.name for v in graph.initializers.values()}

    def spec(value: Any) -> TensorSpec:
        dtype = value.dtype.numpy() if value.dtype is not None else np.dtype(object)
        return TensorSpec(value.name or "", value_shape(value) or (), np.dtype(dtype))

    return Inspection(
        artifact.name,
        artifact.format,
        len(artifact.data),
        tuple(spec(v) for v in graph.inputs if v.name not in constants),
        tuple(spec(v) for v in graph.outputs),
        _frequent(node.op_type for node in graph.all_nodes()),
        _weighty(
            (value.const_value.dtype.name, value.const_value.nbytes)
            for value in graph.initializers.values()
            if value.const_value is not None
        ),
        _frequent(
            value.dtype.name
            for node in graph.all_nodes()
            for value in node.outputs
            if value.dtype is not None
        ),
        dict(model.metadata_props),
    )


def _frequent(names: Iterable[str]) -> tuple[Count, ...]:
    return tuple(Count(name, n) for name, n in Counter(names).most_common())


def _weighty(items: Iterable[tuple[str, int]]) -> tuple[Count, ...]:
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for name, size in items:
        counts[name] += 1
        sizes[name] += size
    return tuple(Count(name, counts[name], size) for name, size in sizes.most_common())


def _readable(metadata: Mapping[str, bytes]) -> dict[str, str]:
    """Entries that are text; others are named by their size."""
    readable: dict[str, str] = {}
    for name, value in metadata.items():
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = ""
        if text.isprintable() or name.startswith(OURS):
            readable[name] = text
        else:
            readable[name] = f"({len(value)} bytes)"
    return {name: text for name, text in readable.items() if text}
