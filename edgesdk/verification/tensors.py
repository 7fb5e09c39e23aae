"""Tensors inside the simulation, kept by the numpy interpreter of the .tflite file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgesdk.artifact import Artifact
from edgesdk.batching import run_batched
from edgesdk.layout import Permutation
from edgesdk.verification.border import like_reference
from edgesdk_quant.reference import ReferenceRuntime
from edgesdk_runtimes.base import Array, Session


class SimulatedTensors:
    """Runs a .tflite model and gives what lies between its operators."""

    def __init__(
        self, artifact: Artifact, reference: Session, layout: Mapping[str, Permutation]
    ) -> None:
        """Open the model behind the border of the float model."""
        self._inner = ReferenceRuntime().open(artifact.data)
        self._session = like_reference(self._inner, reference, layout)

    def __call__(self, arrays: Sequence[Array]) -> Mapping[str, Array]:
        """Run once; tensors by name, as the file holds them."""
        run_batched(self._session, arrays)
        return self._inner.tensors()

    def close(self) -> None:
        """Give back all memory."""
        self._session.close()
