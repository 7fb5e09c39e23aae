"""A look into the layers on the first samples: float values beside the simulation's tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx_ir as ir

from edgesdk.artifact import Artifact
from edgesdk.capture import capture
from edgesdk.verification.artifacts import Artifacts
from edgesdk.verification.float_values import FloatValues
from edgesdk.verification.layers import LayerComparison, LayerDamage
from edgesdk.verification.tensors import SimulatedTensors
from edgesdk_quant import channel_factors
from edgesdk_quant.algorithms.mixing import mix_channels
from edgesdk_quant.calibration.masks import find_scores
from edgesdk_quant.recipe import Recipe
from edgesdk_runtimes.base import Array, Session
from edgesdk_runtimes.errors import EdgeError, UnsupportedError


class LayerProbe:
    """Compares layers where both models can be opened so; `notes` says why where they cannot."""

    def __init__(
        self, reference: Artifact, exact: Session, artifacts: Artifacts, samples: int
    ) -> None:
        """Open both models for a number of samples; 0 opens nothing.

        Args:
            reference: the float model.
            exact: the float model as a session, whose border both sides take.
            artifacts: the files under test.
            samples: how many are looked into.
        """
        self.notes: list[str] = []
        self._left = samples
        self._comparison: LayerComparison | None = None
        if not samples:
            return
        try:
            self._open(reference, exact, artifacts)
        except EdgeError as error:
            self._stop(error)

    def _open(self, reference: Artifact, exact: Session, artifacts: Artifacts) -> None:
        if artifacts.model is None:
            raise UnsupportedError(artifacts.tflite_error)
        self._simulated = SimulatedTensors(artifacts.model, exact, artifacts.layout)
        text = artifacts.model.metadata.get(channel_factors.KEY, b"{}").decode()
        graph = _as_quantized(capture(reference.data), artifacts.model.metadata)
        masked = frozenset[str]().union(*(scores.names for scores in find_scores(graph.graph)))
        comparison = LayerComparison(artifacts.model, channel_factors.from_text(text), masked)
        self._floats = FloatValues(graph, comparison.wanted)
        self._comparison = comparison

    def _stop(self, error: EdgeError) -> None:
        self.notes.append(f"The layers were not compared: {error}")
        self.close()

    def add(self, arrays: Sequence[Array]) -> None:
        """Take in one sample, as long as samples are wanted."""
        if self._comparison is None or not self._left:
            return
        self._left -= 1
        try:
            floats: Mapping[str, Array] = self._floats(arrays)
            self._comparison.add(floats, self._simulated(arrays))
        except EdgeError as error:
            self._stop(error)

    def worst(self, count: int) -> tuple[LayerDamage, ...]:
        """The most damaged layers, worst first."""
        return self._comparison.worst(count) if self._comparison is not None else ()

    def close(self) -> None:
        """Give back all memory; what was compared is kept."""
        self._left = 0


def _as_quantized(graph: ir.Model, metadata: Mapping[str, bytes]) -> ir.Model:
    """The float graph with the channels that were quantized: mixed where the recipe says so."""
    text = metadata.get("edgesdk.recipe", b"").decode(errors="replace")
    if text:
        mix_channels(graph, Recipe.parse(text))
    return graph
