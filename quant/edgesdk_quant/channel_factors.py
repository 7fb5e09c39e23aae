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


def to_text(factors: Factors) -> str:
    """JSON: base64 of little-endian float32 [C] -> names of the values; a group shares factors."""
    names: dict[str, list[str]] = {}
    for name, array in factors.items():
        code = base64.b64encode(array.astype("<f4").tobytes()).decode("ascii")
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
            str(name): np.frombuffer(base64.b64decode(code, validate=True), "<f4")
            for code, names in entries.items()
            for name in names
        }
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise ModelError(f"Metadata '{KEY}' is malformed ({error}). Quantize again.") from error
