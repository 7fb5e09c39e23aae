"""How a graph is quantized; `quantize` is the way in."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgesdk_quant.pipeline import QuantizedModel, quantize

__all__ = ["QuantizedModel", "quantize"]


def __getattr__(name: str) -> Any:
    """Load onnx-ir on first use (PEP 562): the interpreter needs numpy alone."""
    if name not in __all__:
        raise AttributeError(f"module 'edgesdk_quant' has no attribute '{name}'")
    return getattr(importlib.import_module("edgesdk_quant.pipeline"), name)
