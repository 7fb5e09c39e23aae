"""Which value of the ONNX model a tensor holds, where it carries another name."""

from __future__ import annotations

from edgesdk_quant.tflite.model import Subgraph


def value_names(graph: Subgraph) -> dict[str, str]:
    """Name of a quantized tensor -> name of its value, for those behind QUANTIZE.

    So for those in front of a DEQUANTIZE that makes an output, whose value that output is.
    """
    found: dict[str, str] = {}
    for op in graph.operators:
        if op.code not in ("DEQUANTIZE", "QUANTIZE"):
            continue
        source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
        if op.code == "QUANTIZE" and source.type == "FLOAT32":
            found[result.name] = source.name
        elif op.code == "DEQUANTIZE" and op.outputs[0] in graph.outputs:
            found[source.name] = result.name
    return found
