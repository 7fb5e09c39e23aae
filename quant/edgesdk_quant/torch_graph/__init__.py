"""A graph evaluated by torch: one family of operators a file."""

from edgesdk_quant.torch_graph.call import Call
from edgesdk_quant.torch_graph.graph import TorchGraph, Values
from edgesdk_quant.torch_graph.operators import OPERATORS
from edgesdk_quant.torch_graph.quantizers import only_dequantized, quantizer_range

__all__ = ["OPERATORS", "Call", "TorchGraph", "Values", "only_dequantized", "quantizer_range"]
