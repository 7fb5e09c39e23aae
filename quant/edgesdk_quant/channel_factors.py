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
    """JSON: value name -> base64 of little-endian float32 [C]."""
    return json.dumps(
        {
            name: base64.b64encode(array.astype("<f4").tobytes()).decode("ascii")
            for name, array in factors.items()
        }
    )


def from_text(text: str) -> dict[str, NDArray[np.float32]]:
    """The inverse of `to_text`.

    Raises:
        ModelError: the text is something else.
    """
    try:
        entries = json.loads(text)
        return {
            name: np.frombuffer(base64.b64decode(code, validate=True), "<f4")
            for name, code in entries.items()
        }
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise ModelError(f"Metadata '{KEY}' is malformed ({error}). Quantize again.") from error
