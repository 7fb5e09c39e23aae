"""A runtime that needs nothing and computes nothing: zeros of the declared shapes.

Its models are JSON, so that everything above the adapters is tested without a model or a runtime:

    {"inputs": [{"name": "x", "shape": [null, 3], "dtype": "float32"}], "outputs": [...]}
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgesdk_runtimes.base import Array, RuntimeStatus, TensorSpec
from edgesdk_runtimes.errors import ModelError
from edgesdk_runtimes.fit import check_arrays


def encode(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> bytes:
    """Write a model of this runtime."""
    return json.dumps(
        {"inputs": [_to_json(s) for s in inputs], "outputs": [_to_json(s) for s in outputs]}
    ).encode()


def _to_json(spec: TensorSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "shape": list(spec.shape),
        "dtype": np.dtype(spec.dtype).name,
        "scale": spec.scale,
        "zero_point": spec.zero_point,
    }


def _from_json(item: dict[str, Any]) -> TensorSpec:
    return TensorSpec(
        item["name"],
        tuple(item["shape"]),
        np.dtype(item["dtype"]),
        item.get("scale"),
        item.get("zero_point"),
    )


@dataclass(frozen=True)
class NullSession:
    """A declaration that answers with zeros."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Return zeros; an open size of an output is that of the first open input."""
        check_arrays(self.inputs, arrays)
        batch = next(
            (a.shape[0] for a, s in zip(arrays, self.inputs, strict=True) if None in s.shape[:1]), 1
        )
        return [
            np.zeros([batch if size is None else size for size in spec.shape], spec.dtype)
            for spec in self.outputs
        ]

    def close(self) -> None:
        """Hold nothing, give back nothing."""


class NullRuntime:
    """The adapter."""

    name = "null"
    formats = frozenset({"spec"})

    def probe(self) -> RuntimeStatus:
        return RuntimeStatus(self.name, True, "1", "answers with zeros; for tests")

    def open(self, model: bytes, *, threads: int = 1) -> NullSession:
        try:
            spec = json.loads(model)
            return NullSession(
                tuple(_from_json(item) for item in spec["inputs"]),
                tuple(_from_json(item) for item in spec["outputs"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"The model is not a declaration of inputs and outputs in JSON ({error}). "
                "Make one with edgesdk_runtimes.null.encode."
            ) from error
