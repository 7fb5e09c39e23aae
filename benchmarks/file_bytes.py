"""Where each byte of a .tflite or .onnx file goes, against the float .onnx file.

Run: python -m benchmarks.file_bytes MODEL... [--float FLOAT.onnx] [--json]
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from edgesdk.cli.output import print_json, print_table
from edgesdk_quant.tflite.constants import encode
from edgesdk_quant.tflite.reader import read_model

ZERO_POINT_BYTES = 8


@dataclass(frozen=True)
class Account:
    """One file: `parts` maps what the bytes are to how many there are."""

    file: str
    size_bytes: int
    parts: Mapping[str, int]


def account(path: Path) -> Account:
    """Split a file's size; what is left after all contents is the format's own structure."""
    data = path.read_bytes()
    parts = _tflite(data) if path.suffix == ".tflite" else _onnx(data)
    rest = len(data) - sum(parts.values())
    return Account(path.name, len(data), {**parts, "tables, offsets, alignment": rest})


def _tflite(data: bytes) -> Counter[str]:
    """Equal constants share a buffer and equal vectors a place, as the writer shares them."""
    model = read_model(data)
    parts: Counter[str] = Counter()
    seen: set[tuple[str, bytes]] = set()

    def count(kind: str, content: bytes, vector: str) -> None:
        if content and (vector, content) not in seen:
            seen.add((vector, content))
            parts[kind] += len(content)

    for tensor in (t for subgraph in model.subgraphs for t in subgraph.tensors):
        if tensor.data is not None:
            count(f"{tensor.type} constants", encode(tensor.type, tensor.data), "buffer")
        if tensor.quantization is not None and not tensor.quantization.block:  # else a tensor
            owner = "biases" if tensor.type == "INT32" else "weights and activations"
            count(f"scales of {owner}", tensor.quantization.scale.tobytes(), "f32")
            count("zero points", tensor.quantization.zero_point.tobytes(), "i64")
        parts["names"] += len(tensor.name)
    for name, value in model.metadata.items():
        parts[f"metadata {name}"] += len(value)
    return parts


def _onnx(data: bytes) -> Counter[str]:
    model = onnx.ModelProto.FromString(data)
    parts: Counter[str] = Counter()
    for tensor in model.graph.initializer:
        kind = onnx.TensorProto.DataType.Name(tensor.data_type)
        role = next((r for r in ("scale", "zero_point") if r in tensor.name), "constants")
        parts[f"{kind} {role}"] += len(tensor.raw_data) or tensor.ByteSize() - len(tensor.name)
        parts["names"] += len(tensor.name)
    for node in model.graph.node:
        parts["names"] += sum(map(len, (node.name, *node.input, *node.output)))
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        parts["value types and shapes"] += value.ByteSize()
    for entry in model.metadata_props:
        parts[f"metadata {entry.key}"] += len(entry.value)
    return parts


def main() -> None:
    """Account and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path, help=".tflite or .onnx files")
    parser.add_argument("--float", type=Path, help="float .onnx file, to say the ratio")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    options = parser.parse_args()
    accounts = [account(path) for path in options.models]
    if options.json:
        print_json(accounts)
        return
    for found in accounts:
        rows = sorted(found.parts.items(), key=lambda row: -row[1])
        shown = [(n, f"{size:,}", f"{100 * size / found.size_bytes:.2f}") for n, size in rows]
        print_table(f"{found.file}: {found.size_bytes:,} bytes", ["part", ">bytes", ">%"], shown)
        if options.float:
            print(
                f"1/{options.float.stat().st_size / found.size_bytes:.3f} of {options.float.name}"
            )


if __name__ == "__main__":
    main()
