"""Bytes of a .tflite file -> Model; nothing in the file is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgesdk_quant.tflite.constants import decode
from edgesdk_quant.tflite.flatbuffer import FlatBuffer
from edgesdk_quant.tflite.model import (
    Model,
    Operator,
    OptionValue,
    Quantization,
    Subgraph,
    Tensor,
)
from edgesdk_quant.tflite.schema import (
    BLOCKWISE,
    BUILTIN_CODES,
    IDENTIFIER,
    OPTION_TABLES,
    VERSION,
)
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import ModelError, UnsupportedError


def read_model(data: bytes) -> Model:
    """Read a .tflite file. Constants are read-only views of `data` where their type allows it.

    Raises:
        ModelError: the bytes are no TFLite file, are truncated or contradict themselves.
        UnsupportedError: a valid file with StableHLO operators, sparse or external tensors.
    """
    return _Reader(data).model()


class _Reader:
    def __init__(self, data: bytes):
        if len(data) < 8 or data[4:8] != IDENTIFIER:
            raise ModelError(
                f"not a TFLite file: it has {len(data)} bytes and no 'TFL3' at byte 4; "
                "give a .tflite file"
            )
        self.buffer = FlatBuffer(data)
        self.root = self.buffer.table("Model", self.buffer.scalar("I", 0))

    def model(self) -> Model:
        if self.root["version"] != VERSION:
            raise ModelError(f"the TFLite file has version {self.root['version']}, allowed is 3")
        if not self.root["subgraphs"]:
            raise ModelError("the TFLite file holds no subgraph")
        codes = [_operator_code(code) for code in self.root["operator_codes"]]
        self._refuse_stablehlo(codes)
        return Model(
            subgraphs=tuple(self._subgraph(table, codes) for table in self.root["subgraphs"]),
            description=self.root["description"],
            metadata={
                entry["name"]: self._bytes(entry["buffer"]).tobytes()
                for entry in self.root["metadata"]
            },
        )

    def _refuse_stablehlo(self, codes: Sequence[tuple[str, int]]) -> None:
        refused = sorted({name for name, _ in codes if name.startswith("STABLEHLO_")})
        if refused:
            raise UnsupportedError(
                f"the TFLite file uses {', '.join(refused)}; StableHLO operators are not read: "
                "convert the model with builtin operators"
            )

    def _subgraph(self, table: dict[str, Any], codes: Sequence[tuple[str, int]]) -> Subgraph:
        plain = [self._tensor(tensor) for tensor in table["tensors"]]
        tensors = tuple(
            _in_blocks(tensor, entry["quantization"], plain)
            for tensor, entry in zip(plain, table["tensors"], strict=True)
        )
        return Subgraph(
            name=table["name"],
            tensors=tensors,
            operators=tuple(
                self._operator(operator, codes, len(tensors)) for operator in table["operators"]
            ),
            inputs=self._numbers(table["inputs"], 0, len(tensors), "a graph input"),
            outputs=self._numbers(table["outputs"], 0, len(tensors), "a graph output"),
        )

    def _tensor(self, table: dict[str, Any]) -> Tensor:
        name = table["name"]
        if table["sparsity"] is not None or table["external_buffer"]:
            raise UnsupportedError(
                f"tensor {name!r} is sparse or lies in another file; only dense constants are read"
            )
        shape = self._numbers(table["shape"], 0, 2**31, f"a size of tensor {name!r}")
        raw = self._bytes(table["buffer"])
        return Tensor(
            name=name,
            type=table["type"],
            shape=shape,
            data=decode(name, table["type"], shape, raw) if raw.size else None,
            quantization=_quantization(name, table["quantization"], shape),
            is_variable=table["is_variable"],
        )

    def _bytes(self, number: int) -> Array:
        """Contents of a buffer, uint8; large files keep them behind the tables, at offset."""
        if number >= len(self.root["buffers"]):
            raise ModelError(
                f"malformed TFLite file: buffer {number} of {len(self.root['buffers'])} is used"
            )
        buffer = self.root["buffers"][number]
        offset, size = buffer["offset"], buffer["size"]
        if offset <= 1:
            return np.asarray(buffer["data"])
        if offset + size > len(self.buffer.data):
            raise ModelError(f"truncated TFLite file: buffer {number} ends at byte {offset + size}")
        return np.frombuffer(self.buffer.data, np.uint8, size, offset)

    def _operator(
        self, table: dict[str, Any], codes: Sequence[tuple[str, int]], tensors: int
    ) -> Operator:
        if table["opcode_index"] >= len(codes):
            raise ModelError(
                f"malformed TFLite file: operator code {table['opcode_index']} of {len(codes)}"
            )
        code, version = codes[table["opcode_index"]]
        return Operator(
            code=code,
            inputs=self._numbers(table["inputs"], -1, tensors, f"an input of {code}"),
            outputs=self._numbers(table["outputs"], 0, tensors, f"an output of {code}"),
            options=self._options(code, table),
            version=version,
            intermediates=self._numbers(
                table["intermediates"], -1, tensors, f"an intermediate of {code}"
            ),
        )

    def _options(self, code: str, operator: dict[str, Any]) -> dict[str, OptionValue]:
        if code.startswith("CUSTOM:"):
            custom = operator["custom_options"]
            self.buffer.spend(custom.size)
            return {"custom_options": tuple(custom.tolist())}
        known = OPTION_TABLES.get(code)
        if known is None:
            return {}
        if operator["builtin_options_type"] not in (0, known.number):
            raise ModelError(
                f"malformed TFLite file: the options of {code} are of union type "
                f"{operator['builtin_options_type']}, allowed is {known.number}"
            )
        at = operator["builtin_options"] if operator["builtin_options_type"] else None
        values = self.buffer.fields(known.fields, at)
        return {name: self._plain(value) for name, value in values.items()}

    def _plain(self, value: Any) -> OptionValue:
        if not isinstance(value, np.ndarray):
            plain: OptionValue = value
            return plain
        self.buffer.spend(value.size)
        return tuple(value.tolist())

    def _numbers(self, vector: Array, low: int, high: int, what: str) -> tuple[int, ...]:
        """A vector as ints, each proved to lie in [low, high)."""
        self.buffer.spend(vector.size)
        numbers = tuple(vector.tolist())
        wrong = [number for number in numbers if not low <= number < high]
        if wrong:
            raise ModelError(
                f"malformed TFLite file: {what} is {wrong[0]}, allowed is {low} to {high - 1}"
            )
        return numbers


def _operator_code(table: dict[str, Any]) -> tuple[str, int]:
    """Name and version; codes above 127 are in the newer field, old files fill only the other."""
    number = max(table["builtin_code"], table["deprecated_builtin_code"])
    if not 0 <= number < len(BUILTIN_CODES):
        raise ModelError(
            f"the TFLite file uses operator code {number}, known are 0 to {len(BUILTIN_CODES) - 1}"
        )
    name = BUILTIN_CODES[number]
    return (f"CUSTOM:{table['custom_code']}" if name == "CUSTOM" else name), table["version"]


def _in_blocks(tensor: Tensor, table: dict[str, Any] | None, tensors: list[Tensor]) -> Tensor:
    """The tensor with the block scales that another tensor of its subgraph holds."""
    if table is None or table["details_type"] != BLOCKWISE or table["details"] is None:
        return tensor
    details = table["details"]
    block, number = details["block_size"], details["scales"]
    scales = tensors[number].data if 0 <= number < len(tensors) else None
    if block < 1 or not tensor.shape or tensor.shape[-1] % block or scales is None:
        raise ModelError(
            f"tensor {tensor.name!r} of shape {tensor.shape} is quantized by blocks of {block} "
            f"with scales in tensor {number}; blocks must divide the last dimension and their "
            "scales be a constant of the same subgraph"
        )
    if details["zero_points"] > 0:
        raise UnsupportedError(f"tensor {tensor.name!r} has blocks with zero points")
    shape = (*tensor.shape[:-1], tensor.shape[-1] // block)
    if scales.size != np.prod(shape):
        raise ModelError(
            f"tensor {tensor.name!r} has {scales.size} scales for {np.prod(shape)} blocks"
        )
    scale = scales.reshape(shape).astype(np.float32)
    return replace(tensor, quantization=Quantization(scale, np.zeros(shape, np.int64), 0, block))


def _quantization(
    name: str, table: dict[str, Any] | None, shape: tuple[int, ...]
) -> Quantization | None:
    if table is None or table["details_type"] or not table["scale"].size:
        return None
    scale, zero_point, axis = table["scale"], table["zero_point"], table["quantized_dimension"]
    if zero_point.size != scale.size:
        raise ModelError(
            f"tensor {name!r} has {scale.size} scales and {zero_point.size} zero points; "
            "they must be as many"
        )
    if scale.size > 1 and not (0 <= axis < len(shape) and shape[axis] == scale.size):
        raise ModelError(
            f"tensor {name!r} of shape {shape} has {scale.size} scales along dimension {axis}"
        )
    return Quantization(scale, zero_point, axis if scale.size > 1 else 0)
