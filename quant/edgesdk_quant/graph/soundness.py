"""Refuse weights that no quantizer can scale: NaN and infinity."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk_quant.graph.values import constant
from edgesdk_runtimes.errors import ModelError

INFINITE_ON_PURPOSE = frozenset(
    {"Add", "Cast", "CastLike", "Clip", "Expand", "Max", "Min", "Pad", "Where"}
)


def check_weights(model: ir.Model) -> None:
    """Raise for initializers read by computing operators that hold NaN or infinity.

    Raises:
        ModelError: names each such initializer and how many of its values are bad.
    """
    found = [text for value in model.graph.initializers.values() if (text := _complaint(value))]
    if found:
        raise ModelError(
            f"the weights hold values that are not finite: {', '.join(found)}; "
            "train or export the model again, weights must be finite numbers"
        )


def _complaint(value: ir.Value) -> str:
    array = constant(value)
    if array is None or array.dtype.kind != "f":
        return ""
    sound = ~np.isnan(array) if _may_be_infinite(value) else np.isfinite(array)
    bad = int(array.size - sound.sum())
    return f"{value.name} ({bad} of {array.size})" if bad else ""


def _may_be_infinite(value: ir.Value) -> bool:
    """Attention masks add -inf on purpose, and Clip, Max and Min may have open bounds."""
    return all(use.node.op_type in INFINITE_ON_PURPOSE for use in value.uses())
