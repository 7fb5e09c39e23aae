"""What equalization divided channels by, as text in an artifact, so that values can be compared."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edgesdk_runtimes.errors import ModelError

KEY = "edgesdk.channel_factors"
Factors = Mapping[str, NDArray[np.float32]]
# Logarithms in a file, in int16: factors come back within 2e-4, 75 dB below the values they scale.
STEPS_AN_OCTAVE = 2048


def to_text(factors: Factors) -> str:
    """JSON: base64 of the factors' logarithms, int16 [C] -> names of the values with them."""
    names: dict[str, list[str]] = {}
    for name, array in factors.items():
        steps = np.rint(np.log2(array) * STEPS_AN_OCTAVE).astype("<i2")
        code = base64.b64encode(steps.tobytes()).decode("ascii")
        names.setdefault(code, []).append(name)
    return json.dumps(names, separators=(",", ":"))


def from_text(text: str) -> dict[str, NDArray[np.float32]]:
    """The inverse of `to_text`.

    Raises:
        ModelError: the text is something else.
    """
    try:
        entries = json.loads(text)
        return {
            str(name): _factors(base64.b64decode(code, validate=True))
            for code, names in entries.items()
            for name in names
        }
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise ModelError(f"Metadata '{KEY}' is malformed ({error}). Quantize again.") from error


def _factors(steps: bytes) -> NDArray[np.float32]:
    logarithms = np.frombuffer(steps, "<i2").astype(np.float64) / STEPS_AN_OCTAVE
    return np.exp2(logarithms).astype(np.float32)
