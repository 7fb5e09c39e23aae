"""Tensors inside the simulation, kept by the numpy interpreter of the .tflite file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgesdk.batching import run_batched
from edgesdk.layout import Permutation
from edgesdk.verification.border import like_reference
from edgesdk_quant.reference.runtime import ReferenceSession
from edgesdk_quant.tflite.model import Model
from edgesdk_runtimes.base import Array, Session


class SimulatedTensors:
    """Runs a .tflite model and gives what lies between its operators."""

    def __init__(self, model: Model, reference: Session, layout: Mapping[str, Permutation]) -> None:
        """Open the model behind the border of the float model.

        Raises:
            UnsupportedError: the interpreter lacks operators of it.
        """
        self._inner = ReferenceSession(model)
        self._session = like_reference(self._inner, reference, layout)

    def __call__(self, arrays: Sequence[Array]) -> Mapping[str, Array]:
        """Run once; tensors by name, as the file holds them."""
        run_batched(self._session, arrays)
        return self._inner.tensors()
