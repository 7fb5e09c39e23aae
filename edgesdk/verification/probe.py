"""A look into the layers on the first samples: float values beside the simulation's tensors."""

from __future__ import annotations

from collections.abc import Sequence

from edgesdk.artifact import Artifact
from edgesdk.capture import capture
from edgesdk.verification.candidates import Artifacts
from edgesdk.verification.float_values import FloatValues
from edgesdk.verification.layers import LayerComparison, LayerDamage
from edgesdk_quant.graph import load
from edgesdk_quant.tflite import read_model
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import EdgeError, ModelError


class LayerProbe:
    """Compares layers where both models can be opened so; `notes` says why where they cannot."""

    def __init__(self, reference: Artifact, artifacts: Artifacts, samples: int) -> None:
        """Open both models for a number of samples; 0 opens nothing."""
        self.notes: list[str] = []
        self._left = samples
        if samples:
            self._try(lambda: self._open(reference, artifacts))
