"""Runtimes behind one shape: probe what is installed, open a model, run arrays."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from edgesdk_runtimes.base import Runtime
from edgesdk_runtimes.errors import InputError
from edgesdk_runtimes.litert import LiteRtRuntime
from edgesdk_runtimes.native import NativeRuntime
from edgesdk_runtimes.null import NullRuntime
from edgesdk_runtimes.onnxruntime import OnnxRuntime

RUNTIMES: Mapping[str, Runtime] = MappingProxyType(
    {
        runtime.name: runtime
        for runtime in (NullRuntime(), OnnxRuntime(), LiteRtRuntime(), NativeRuntime())
    }
)


def runtime_named(name: str) -> Runtime:
    """Look a runtime up.

    Raises:
        InputError: there is none of this name.
    """
    if name not in RUNTIMES:
        allowed = ", ".join(sorted(RUNTIMES))
        raise InputError(f"There is no runtime '{name}'. Choose one of: {allowed}.")
    return RUNTIMES[name]
