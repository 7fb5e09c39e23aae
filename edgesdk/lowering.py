"""An ONNX artifact as a .tflite file in memory, for the runtimes that open only those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgesdk.artifact import Artifact
from edgesdk.layout import Permutation, parse_layout


@dataclass(frozen=True)
class Lowered:
    """What the lowering made of an artifact.

    Attributes:
        data: the .tflite file.
        layout: tensor name -> permutation of the source's dimensions in the file.
    """

    data: bytes
    layout: Mapping[str, Permutation]


def lower_artifact(artifact: Artifact) -> Lowered:
    """Lower an ONNX artifact, quantized or float, just as `save("model.tflite")` does.

    Raises:
        ModelError: it is no ONNX model.
        UnsupportedError: it has operators or shapes that TFLite lacks.
    """
    from edgesdk.capture import capture
    from edgesdk.export.tflite import lower
    from edgesdk_quant.graph import load
    from edgesdk_quant.tflite.writer import write_model

    model = lower(capture(load(artifact.data, artifact.name)))
    return Lowered(write_model(model), parse_layout(model.metadata))
