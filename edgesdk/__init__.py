"""EdgeSDK: quantize a trained model and run it on the edge, with the proof that it runs alike.

    q = edgesdk.quantize(model, calibration=images, recipe="w8a8", target="generic")
    q.save("model.tflite")
    y = edgesdk.Runner("model.tflite", threads=4)(x)

Parts load on first use (PEP 562): `import edgesdk` on a device needs numpy and cffi alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgesdk.accuracy_loop import quantize_until
    from edgesdk.api import Quantized, bench, evaluate, inspect, load, quantize, trace, verify
    from edgesdk.runner import Runner
    from edgesdk.spec import InputSpec, model
    from edgesdk.training.finetune import finetune
    from edgesdk_runtimes.errors import (
        EdgeError,
        InputError,
        ModelError,
        OutputError,
        RecipeError,
        RuntimeMissingError,
        UnsupportedError,
    )

__version__ = "0.1.0"

# Public name -> module that defines it.
_HOMES = {
    "InputSpec": "edgesdk.spec",
    "model": "edgesdk.spec",
    "quantize": "edgesdk.api",
    "Quantized": "edgesdk.api",
    "load": "edgesdk.api",
    "verify": "edgesdk.api",
    "evaluate": "edgesdk.api",
    "finetune": "edgesdk.training.finetune",
    "quantize_until": "edgesdk.accuracy_loop",
    "bench": "edgesdk.api",
    "inspect": "edgesdk.api",
    "trace": "edgesdk.api",
    "Runner": "edgesdk.runner",
    "EdgeError": "edgesdk_runtimes.errors",
    "InputError": "edgesdk_runtimes.errors",
    "ModelError": "edgesdk_runtimes.errors",
    "UnsupportedError": "edgesdk_runtimes.errors",
    "RecipeError": "edgesdk_runtimes.errors",
    "RuntimeMissingError": "edgesdk_runtimes.errors",
    "OutputError": "edgesdk_runtimes.errors",
}

__all__ = [  # noqa: RUF022  grouped in the order of use
    # Declare
    "InputSpec",
    "model",
    # Make
    "quantize",
    "quantize_until",
    "finetune",
    "Quantized",
    "load",
    # Prove
    "verify",
    "evaluate",
    "bench",
    "inspect",
    "trace",
    # Run
    "Runner",
    # Errors
    "EdgeError",
    "InputError",
    "ModelError",
    "UnsupportedError",
    "RecipeError",
    "RuntimeMissingError",
    "OutputError",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'edgesdk' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
