"""Read a .safetensors file: 8 bytes of header length, JSON header, little-endian tensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1"}


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Read all tensors of a file, name -> array."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    return {name: _tensor(data, start, entry) for name, entry in header.items()}


def _tensor(data: bytes, start: int, entry: dict[str, Any]) -> NDArray[Any]:
    begin, end = entry["data_offsets"]
    flat = np.frombuffer(data[start + begin : start + end], DTYPES[entry["dtype"]])
    return flat.reshape(entry["shape"]).copy()
