"""Where Q/DQ go: which operators run on integers, and which values share one scale.

Two runtimes' fusion rules are met at once. ONNX Runtime fuses an operator whose every input comes
from a DequantizeLinear and whose output, after a fused activation, goes to one QuantizeLinear;
TFLite's pass-through operators want the same scale on both sides.
"""

from edgesdk_quant.placement.decision import (
    FLOAT,
    WEIGHTS_ONLY,
    Decision,
    Group,
    Placement,
    WeightSite,
)
from edgesdk_quant.placement.placer import place

__all__ = ["FLOAT", "WEIGHTS_ONLY", "Decision", "Group", "Placement", "WeightSite", "place"]
