"""ONNX operators and attributes that TFLite lacks, written with those that it has: ONNX to ONNX."""

from edgesdk.export.legalization.rules import legalize

__all__ = ["legalize"]
