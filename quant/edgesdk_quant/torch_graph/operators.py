"""ONNX operators as torch expressions, so that gradients flow through them."""

from __future__ import annotations

from edgesdk_quant.torch_graph.arithmetic import ARITHMETIC
from edgesdk_quant.torch_graph.call import Expressions
from edgesdk_quant.torch_graph.movement import MOVEMENT
from edgesdk_quant.torch_graph.quantizers import QUANTIZERS
from edgesdk_quant.torch_graph.spatial import SPATIAL

OPERATORS: Expressions = {**ARITHMETIC, **MOVEMENT, **QUANTIZERS, **SPATIAL}
