"""The numpy interpreter of a TFLite model: the semantics that everything else must match."""

from edgesdk_quant.reference.interpreter import Interpreter
from edgesdk_quant.reference.runtime import ReferenceRuntime

__all__ = ["Interpreter", "ReferenceRuntime"]
