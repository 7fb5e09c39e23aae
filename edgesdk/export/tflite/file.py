"""Write a lowered Graph to disk; a file that is there already is replaced whole or not at all."""

from __future__ import annotations

from pathlib import Path

import onnx_ir as ir

from edgesdk.export.tflite.lowering import lower
from edgesdk.files import write_atomically
from edgesdk_quant.tflite.writer import write_model


def export_tflite(graph: ir.Model, path: str | Path) -> None:
    """Lower a Graph and write it.

    Raises:
        UnsupportedError: operators or shapes that TFLite lacks, all named at once.
        OutputError: the file could not be written; what was there is unharmed.
    """
    write_atomically(Path(path), write_model(lower(graph)))
