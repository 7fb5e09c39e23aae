"""The step of a model's outputs, so that differences can be told in steps."""

from __future__ import annotations

from edgesdk.verification.grid import grid_of
from edgesdk_quant.tflite.model import Model


def output_step(model: Model) -> float:
    """Scale of the first output, also where a DEQUANTIZE makes it float; 1 where it has none."""
    main = model.subgraphs[0]
    output = main.outputs[0]
    producer = next((op for op in main.operators if output in op.outputs), None)
    if producer is not None and producer.code == "DEQUANTIZE":
        output = producer.inputs[0]
    grid = grid_of(main.tensors[output])
    return 1.0 if grid is None else grid.scale
