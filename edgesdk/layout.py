"""The order of dimensions: a TFLite file is NHWC, its source model is often NCHW."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgesdk_runtimes.base import Array, Session, TensorSpec
from edgesdk_runtimes.errors import ModelError
from edgesdk_runtimes.fit import check_arrays

KEY = "edgesdk.layout"

Permutation = tuple[int, ...]


def parse_layout(metadata: Mapping[str, bytes]) -> dict[str, Permutation]:
    """Read `edgesdk.layout`: tensor name -> permutation of the source's dimensions in the file.

    Raises:
        ModelError: the entry is there and malformed.
    """
    if KEY not in metadata:
        return {}
    try:
        entries = json.loads(metadata[KEY])
        layout = {e["name"]: tuple(int(d) for d in e["permutation"]) for e in entries}
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"Metadata '{KEY}' is malformed ({error}). Export the file again."
        ) from error
    for name, permutation in layout.items():
        if sorted(permutation) != list(range(len(permutation))):
            raise ModelError(
                f"Metadata '{KEY}' gives '{name}' the dimensions {list(permutation)}, which is no "
                "permutation. Export the file again."
            )
    return layout


def inverse(permutation: Permutation) -> Permutation:
    """The permutation that undoes another."""
    return tuple(int(d) for d in np.argsort(permutation))


@dataclass(frozen=True)
class SourceLayoutSession:
    """A session of a lowered model that speaks the layout of the source model."""

    session: Session
    layout: Mapping[str, Permutation]

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return tuple(self._source_spec(spec) for spec in self.session.inputs)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return tuple(self._source_spec(spec) for spec in self.session.outputs)

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        check_arrays(self.inputs, arrays)
        outputs = self.session.run(
            [self._to_file(s, a) for s, a in zip(self.session.inputs, arrays, strict=True)]
        )
        return [self._to_source(s, a) for s, a in zip(self.session.outputs, outputs, strict=True)]

    def close(self) -> None:
        self.session.close()

    def _permutation(self, spec: TensorSpec) -> Permutation:
        return self.layout.get(spec.name, tuple(range(len(spec.shape))))

    def _source_spec(self, spec: TensorSpec) -> TensorSpec:
        back = inverse(self._permutation(spec))
        return replace(spec, shape=tuple(spec.shape[d] for d in back))

    def _to_file(self, spec: TensorSpec, array: Array) -> Array:
        return np.asarray(array.transpose(self._permutation(spec)), order="C")

    def _to_source(self, spec: TensorSpec, array: Array) -> Array:
        return np.asarray(array.transpose(inverse(self._permutation(spec))), order="C")
