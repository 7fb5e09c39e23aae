"""A Graph, float or quantized, becomes a .tflite file: our own lowering, NHWC, nothing stray."""

from edgesdk.export.tflite.file import export_tflite
from edgesdk.export.tflite.lowering import lower

__all__ = ["export_tflite", "lower"]
