"""Model -> bytes of a .tflite file; the same model gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np

from edgesdk_quant.tflite.constants import encode
from edgesdk_quant.tflite.flatbuffer import DTYPES
from edgesdk_quant.tflite.model import Model, Operator, Subgraph, Tensor
from edgesdk_quant.tflite.schema import (
    BLOCKWISE,
    BUILTIN_CODES,
    ENUMS,
    IDENTIFIER,
    OPTION_TABLES,
    TABLES,
    VERSION,
    Field,
)
from edgesdk_runtimes.errors import ModelError

BUFFER_ALIGNMENT = 16
"""Kernels read constants straight from the mapped file with vector loads."""

OLD_CODE_LIMIT = 127
"""Operator codes were 8 bits once; readers of that time see this one for newer operators."""

_PREPEND = {
    "bool": "PrependBoolSlot", "u8": "PrependUint8Slot", "i8": "PrependInt8Slot",
    "i32": "PrependInt32Slot", "u32": "PrependUint32Slot", "i64": "PrependInt64Slot",
    "u64": "PrependUint64Slot", "f32": "PrependFloat32Slot",
}  # fmt: skip


def write_model(model: Model) -> bytes:
    """Write a .tflite file. Equal constants share one buffer, equal vectors one place.

    Raises:
        ModelError: an operator or option that the schema does not have.
    """
    return _Writer(model).file()


class _Writer:
    def __init__(self, model: Model):
        self.model = model
        self.builder = flatbuffers.Builder(65536 + _constant_bytes(model))
        self.vectors: dict[tuple[str, bytes], int] = {}
        self.buffers: dict[bytes, int] = {b"": 0}
        self.codes: dict[tuple[str, int], int] = {}

    def file(self) -> bytes:
        subgraphs = [self._subgraph(subgraph) for subgraph in self.model.subgraphs]
        metadata = [
            self._table("Metadata", name=name, buffer=self._buffer(data))
            for name, data in self.model.metadata.items()
        ]
        root = self._table(
            "Model",
            version=VERSION,
            operator_codes=[self._operator_code(*key) for key in self.codes],
            subgraphs=subgraphs,
            description=self.model.description,
            buffers=[self._buffer_table(data) for data in self.buffers],
            metadata=metadata,
        )
        self.builder.Finish(root, file_identifier=IDENTIFIER)
        return bytes(self.builder.Output())

    def _subgraph(self, subgraph: Subgraph) -> int:
        tensors = list(subgraph.tensors)
        tables = [self._tensor(tensor, tensors) for tensor in subgraph.tensors]
        scales = [self._tensor(tensor, tensors) for tensor in tensors[len(tables) :]]
        return self._table(
            "SubGraph",
            tensors=tables + scales,
            inputs=subgraph.inputs,
            outputs=subgraph.outputs,
            operators=[self._operator(operator) for operator in subgraph.operators],
            name=subgraph.name,
        )

    def _tensor(self, tensor: Tensor, tensors: list[Tensor]) -> int:
        """Write a tensor; scales of its blocks are one more tensor at the end of `tensors`."""
        data = b"" if tensor.data is None else encode(tensor.type, tensor.data)
        return self._table(
            "Tensor",
            shape=tensor.shape,
            type=tensor.type,
            buffer=self._buffer(data),
            name=tensor.name,
            quantization=self._quantization(tensor, tensors),
            is_variable=tensor.is_variable,
            has_rank=True,
        )

    def _quantization(self, tensor: Tensor, tensors: list[Tensor]) -> int | None:
        quantization = tensor.quantization
        if quantization is None:
            return None
        if quantization.block:
            scale = quantization.scale.astype(np.float16)
            tensors.append(Tensor(f"{tensor.name}/scales", "FLOAT16", scale.shape, scale))
            details = self._table(
                "BlockwiseQuantization",
                scales=len(tensors) - 1,
                zero_points=-1,
                block_size=quantization.block,
            )
            return self._table("QuantizationParameters", details_type=BLOCKWISE, details=details)
        return self._table(
            "QuantizationParameters",
            scale=quantization.scale,
            zero_point=quantization.zero_point,
            quantized_dimension=quantization.axis,
        )

    def _buffer(self, data: bytes) -> int:
        return self.buffers.setdefault(data, len(self.buffers))

    def _buffer_table(self, data: bytes) -> int:
        if not data:
            return self._table("Buffer")
        self.builder.Prep(BUFFER_ALIGNMENT, len(data))
        return self._table_of("Buffer", {"data": self.builder.CreateByteVector(data)})

    def _operator_code(self, name: str, version: int) -> int:
        builtin, _, custom = name.partition(":")
        if builtin not in BUILTIN_CODES:
            raise ModelError(f"{name} is no TFLite operator; see BUILTIN_CODES of the schema")
        code = BUILTIN_CODES.index(builtin)
        return self._table(
            "OperatorCode",
            deprecated_builtin_code=min(code, OLD_CODE_LIMIT),
            custom_code=custom,
            version=version,
            builtin_code=code,
        )

    def _operator(self, operator: Operator) -> int:
        key = (operator.code, operator.version)
        values: dict[str, Any] = {
            "opcode_index": self.codes.setdefault(key, len(self.codes)),
            "inputs": operator.inputs,
            "outputs": operator.outputs,
            "intermediates": operator.intermediates,
        }
        return self._table("Operator", **values, **self._options(operator))

    def _options(self, operator: Operator) -> dict[str, Any]:
        if operator.code.startswith("CUSTOM:"):
            return {"custom_options": operator.options.get("custom_options", ())}
        known = OPTION_TABLES.get(operator.code)
        fields = known.fields if known else ()
        unknown = set(operator.options) - {field.name for field in fields}
        if unknown:
            raise ModelError(f"{operator.code} has no option {', '.join(sorted(unknown))}")
        if known is None:
            return {}
        offsets = self._offsets(known.fields, operator.options)
        return {
            "builtin_options_type": known.number,
            "builtin_options": self._fields(known.fields, offsets),
        }

    def _table(self, table: str, **values: Any) -> int:
        return self._table_of(table, self._offsets(TABLES[table], values))

    def _table_of(self, table: str, values: Mapping[str, Any]) -> int:
        return self._fields(TABLES[table], values)

    def _offsets(self, fields: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
        """Values with strings and vectors replaced by their offsets; empty ones left out."""
        kinds = {field.name: field for field in fields}
        return {
            name: self._child(kinds[name], value)
            for name, value in values.items()
            if not _is_absent(value)
        }

    def _child(self, field: Field, value: Any) -> Any:
        if field.is_vector:
            return self._vector(field.type, value)
        if field.type == "string":
            return self.builder.CreateSharedString(value)
        if field.type in ENUMS:
            return ENUMS[field.type].index(value)
        return value

    def _vector(self, kind: str, values: Any) -> int:
        """Offset of a vector; one that was written before is shared."""
        dtype = DTYPES.get(kind, "<u4")
        key = (kind, np.asarray(values, dtype).tobytes())
        if key not in self.vectors or kind not in DTYPES:
            self.vectors[key] = self._new_vector(kind, values)
        return self.vectors[key]

    def _new_vector(self, kind: str, values: Any) -> int:
        if kind in DTYPES:
            offset: int = self.builder.CreateNumpyVector(np.asarray(values, DTYPES[kind]))
            return offset
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependUOffsetTRelative(value)
        end: int = self.builder.EndVector()
        return end

    def _fields(self, fields: Sequence[Field], values: Mapping[str, Any]) -> int:
        """Offset of a new table with these fields; children are offsets already."""
        self.builder.StartObject(fields[-1].slot + 1 if fields else 0)
        for field in fields:
            if field.name in values:
                self._slot(field, values[field.name])
        offset: int = self.builder.EndObject()
        return offset

    def _slot(self, field: Field, value: Any) -> None:
        if field.is_vector or field.type in TABLES or field.type in ("string", "union"):
            self.builder.PrependUOffsetTRelativeSlot(field.slot, value, 0)
            return
        kind = "i8" if field.type in ENUMS else field.type
        getattr(self.builder, _PREPEND[kind])(field.slot, value, field.default)


def _is_absent(value: Any) -> bool:
    """None, and what an absent string or vector reads as."""
    return value is None or (not isinstance(value, (bool, int, float)) and len(value) == 0)


def _constant_bytes(model: Model) -> int:
    return sum(
        tensor.data.nbytes
        for subgraph in model.subgraphs
        for tensor in subgraph.tensors
        if tensor.data is not None
    )
