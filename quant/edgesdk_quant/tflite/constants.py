"""Constant tensors between their bytes in a file and numpy arrays."""

from __future__ import annotations

import math
import struct
from itertools import pairwise

import numpy as np

from edgesdk_quant.numerics import pack_int4, unpack_int4
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import ModelError

DTYPES: dict[str, np.dtype[np.generic]] = {
    "FLOAT32": np.dtype("<f4"),
    "FLOAT16": np.dtype("<f2"),
    "FLOAT64": np.dtype("<f8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "BOOL": np.dtype("?"),
    "COMPLEX64": np.dtype("<c8"),
    "COMPLEX128": np.dtype("<c16"),
    "BFLOAT16": np.dtype("<u2"),
    "FLOAT8_E4M3FN": np.dtype("u1"),
    "FLOAT8_E5M2": np.dtype("u1"),
    "RESOURCE": np.dtype("<i4"),
}
"""numpy dtype of each type that is stored value by value; types numpy lacks keep their bits."""


def decode(name: str, kind: str, shape: tuple[int, ...], raw: Array) -> Array:
    """The constant of a tensor from its bytes.

    Args:
        name: the tensor's name, for errors.
        kind: its schema type; INT4 becomes int8 -8..7, STRING an object array of bytes.
        shape: its shape, that of the result.
        raw: uint8 [bytes].

    Raises:
        ModelError: the bytes do not fill the shape exactly, or the type holds no constants.
    """
    count = math.prod(shape)
    if kind == "STRING":
        return _decode_strings(name, count, raw.tobytes()).reshape(shape)
    if kind == "INT4":
        _check_size(name, kind, shape, raw, (count + 1) // 2)
        return unpack_int4(raw, count).reshape(shape)
    if kind not in DTYPES:
        raise ModelError(f"tensor {name!r} is a constant of type {kind}, which is not read")
    dtype = DTYPES[kind]
    _check_size(name, kind, shape, raw, count * dtype.itemsize)
    return raw.view(dtype).reshape(shape)


def encode(kind: str, data: Array) -> bytes:
    """The bytes of a constant tensor, row by row; the inverse of `decode`."""
    if kind == "STRING":
        return _encode_strings([bytes(text) for text in data.reshape(-1)])
    if kind == "INT4":
        return pack_int4(data).tobytes()
    return bytes(data.astype(DTYPES[kind]).tobytes())


def _check_size(name: str, kind: str, shape: tuple[int, ...], raw: Array, size: int) -> None:
    if raw.size != size:
        raise ModelError(
            f"tensor {name!r} has {raw.size} bytes; {kind} of shape {shape} needs {size}"
        )


def _decode_strings(name: str, count: int, raw: bytes) -> Array:
    """Layout: int32 count, count + 1 int32 offsets from the start, then the text."""
    stored = struct.unpack_from("<i", raw)[0] if len(raw) >= 4 else -1
    if stored != count or len(raw) < 4 * (count + 2):
        raise ModelError(f"tensor {name!r} holds {stored} strings; its shape needs {count}")
    offsets = struct.unpack_from(f"<{count + 1}i", raw, 4)
    texts = np.empty(count, object)
    texts[:] = [raw[a:b] for a, b in pairwise(offsets)]
    return texts


def _encode_strings(texts: list[bytes]) -> bytes:
    offsets = [4 * (len(texts) + 2)]
    for text in texts:
        offsets.append(offsets[-1] + len(text))
    return struct.pack(f"<{len(texts) + 2}i", len(texts), *offsets) + b"".join(texts)
