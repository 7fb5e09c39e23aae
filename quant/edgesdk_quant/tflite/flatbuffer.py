"""Bounds-checked, schema-driven reading of FlatBuffers (https://flatbuffers.dev/internals)."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from edgesdk_quant.tflite.schema import ENUMS, TABLES, Field
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import ModelError

SCALARS = {
    "bool": "?", "u8": "B", "i8": "b", "i32": "i", "u32": "I", "i64": "q", "u64": "Q", "f32": "f",
}  # fmt: skip

DTYPES = {"u8": "u1", "i32": "<i4", "i64": "<i8", "f32": "<f4"}


class FlatBuffer:
    """A file of little-endian tables. Every read is checked; a bad one raises ModelError.

    Tables may point at each other's vectors, so a small hostile file can unfold into a huge one:
    the number of values read is limited to a multiple of the file's size.
    """

    def __init__(self, data: bytes):
        self.data = data
        self._values_left = 4 * len(data) + 4096

    def scalar(self, kind: str, at: int) -> Any:
        """The scalar of struct format `kind` at byte offset `at`."""
        try:
            if at < 0:
                raise ModelError(f"malformed TFLite file: offset {at} is negative")
            return struct.unpack_from("<" + kind, self.data, at)[0]
        except struct.error:
            raise ModelError(
                f"malformed TFLite file: a read at byte {at} leaves the {len(self.data)} bytes"
            ) from None

    def vector(self, kind: str, at: int) -> Array:
        """The vector of scalars whose offset is stored at byte `at`, as a read-only view."""
        start = at + self.scalar("I", at)
        count = self.scalar("I", start)
        dtype = np.dtype(DTYPES[kind])
        if start + 4 + count * dtype.itemsize > len(self.data):
            raise ModelError(
                f"malformed TFLite file: a vector of {count} values at byte {start} leaves the "
                f"{len(self.data)} bytes"
            )
        return np.frombuffer(self.data, dtype, count, start + 4)

    def spend(self, values: int) -> None:
        """Count values that were unpacked into Python objects."""
        self._values_left -= values
        if self._values_left < 0:
            raise ModelError("malformed TFLite file: its tables share vectors too often")

    def field_at(self, table: int, slot: int) -> int | None:
        """Byte offset of a table's field, None when absent."""
        vtable = table - self.scalar("i", table)
        entry = 4 + 2 * slot
        if entry + 2 > self.scalar("H", vtable):
            return None
        offset: int = self.scalar("H", vtable + entry)
        return table + offset if offset else None

    def table(self, name: str, at: int) -> dict[str, Any]:
        """All fields of a table of the schema, as `fields` reads them."""
        return self.fields(TABLES[name], at)

    def fields(self, fields: tuple[Field, ...], table: int | None) -> dict[str, Any]:
        """Field names to values: scalars, enum names, strings, tuples of tables, numpy vectors.

        An absent table is None, an absent vector empty, an absent scalar its default; a union is
        the offset of its table. All fields of table None are absent.
        """
        self.spend(len(fields) + 1)
        return {
            field.name: self._value(
                field, None if table is None else self.field_at(table, field.slot)
            )
            for field in fields
        }

    def _value(self, field: Field, at: int | None) -> Any:
        if field.is_vector:
            return self._vector_value(field, at)
        if field.type in TABLES:
            return None if at is None else self.table(field.type, at + self.scalar("I", at))
        if field.type == "union":
            return None if at is None else at + self.scalar("I", at)
        if field.type == "string":
            return "" if at is None else self._string(at)
        if field.type in ENUMS:
            return self._enum(field, field.default if at is None else self.scalar("b", at))
        return field.default if at is None else self.scalar(SCALARS[field.type], at)

    def _vector_value(self, field: Field, at: int | None) -> Any:
        if field.type not in TABLES:
            return np.empty(0, DTYPES[field.type]) if at is None else self.vector(field.type, at)
        if at is None:
            return ()
        start = at + self.scalar("I", at) + 4
        offsets = self.vector("i32", at).view("<u4").tolist()
        return tuple(
            self.table(field.type, start + 4 * i + offset) for i, offset in enumerate(offsets)
        )

    def _string(self, at: int) -> str:
        text = self.vector("u8", at).tobytes()
        self.spend(len(text))
        return text.decode("utf-8", errors="replace")

    @staticmethod
    def _enum(field: Field, value: Any) -> str:
        names = ENUMS[field.type]
        if not 0 <= value < len(names):
            raise ModelError(
                f"malformed TFLite file: {field.name} is {value}, allowed is 0 to {len(names) - 1}"
            )
        return names[int(value)]
