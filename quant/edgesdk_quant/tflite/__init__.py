"""TFLite files as data: read, write, and the schema that drives both."""

from edgesdk_quant.tflite.model import (
    Model,
    Operator,
    OptionValue,
    Quantization,
    Subgraph,
    Tensor,
)
from edgesdk_quant.tflite.reader import read_model

__all__ = [
    "Model",
    "Operator",
    "OptionValue",
    "Quantization",
    "Subgraph",
    "Tensor",
    "read_model",
]
