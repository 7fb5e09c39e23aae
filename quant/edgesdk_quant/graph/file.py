"""ONNX bytes to graph and back: `load` refuses what is no usable model, `to_bytes` is stable."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import onnx
import onnx_ir as ir
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx.external_data_helper import load_external_data_for_model, uses_external_data
from onnx_ir.passes.common import TopologicalSortPass

from edgesdk_quant.graph import quantized_operators
from edgesdk_quant.graph.quantized import QUANTIZING
from edgesdk_quant.graph.wiring import missing_values
from edgesdk_runtimes.errors import InputError, ModelError, UnsupportedError

OLDEST_OPSET = 1
NEWEST_OPSET = onnx.defs.onnx_opset_version()
# What ONNX Runtime's own quantizer writes under its domain; `opset` brings them home.
FOREIGN_OPS = {("com.microsoft", op) for op in (*QUANTIZING, *quantized_operators.FOREIGN)}


def load(source: str | PathLike[str] | bytes, name: str = "the given bytes") -> ir.Model:
    """Read an ONNX model, weights included.

    Args:
        source: path of an .onnx file (external data is looked for beside it), or the file's bytes.
        name: how error messages call bytes.

    Raises:
        InputError: the path does not exist or cannot be read.
        ModelError: the bytes are no ONNX model, are truncated, or their external data is missing.
        UnsupportedError: operators that ONNX does not define, all named at once.
    """
    if isinstance(source, bytes):
        return from_proto(_parse(source, name), name)
    path = Path(source)
    proto = _parse(_read(path), str(path))
    _load_external_data(proto, path)
    return from_proto(proto, str(path))


def from_proto(proto: onnx.ModelProto, name: str = "the given model") -> ir.Model:
    """Check a ModelProto whose weights are in memory and turn it into a graph.

    Args:
        proto: the model; not changed.
        name: how error messages call it.
    """
    _check_header(proto, name)
    external = [t.name for t in _tensors(proto.graph) if uses_external_data(t)]
    if external:
        raise ModelError(
            f"{name} keeps {len(external)} weights ({external[0]}...) in an external file, which "
            "bytes cannot bring along; give the path of the .onnx file instead"
        )
    missing = sorted(set(missing_values(proto.graph)))
    if missing:
        raise ModelError(
            f"{name} reads values that nothing in it computes: {', '.join(missing[:5])}; "
            "export it again"
        )
    try:
        model = ir.from_proto(proto)
        TopologicalSortPass()(model)  # tools append nodes at times, and runtimes forgive it
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{name} is a malformed ONNX model: {_first_line(error)}") from error
    _check_operators(model, name)
    return model


def to_bytes(model: ir.Model) -> bytes:
    """Serialize a graph; the same graph gives the same bytes."""
    return bytes(ir.to_proto(model).SerializeToString(deterministic=True))


def clone(model: ir.Model) -> ir.Model:
    """Copy of a model whose nodes and values are its own; weights are shared, not copied."""
    return model.clone()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise InputError(f"{path} cannot be read ({reason}); give an .onnx file") from error


def _parse(data: bytes, name: str) -> onnx.ModelProto:
    if data[4:8] == b"TFL3":
        raise ModelError(
            f"{name} is a .tflite file, which has no way back to a graph; give the .onnx file or "
            "the module that it was made from"
        )
    try:
        proto: onnx.ModelProto = onnx.ModelProto.FromString(data)
    except (DecodeError, RuntimeError) as error:
        raise ModelError(
            f"{name} ({len(data)} bytes) is not an ONNX model or is truncated; export it again"
        ) from error
    if not proto.HasField("graph"):
        raise ModelError(f"{name} ({len(data)} bytes) holds no graph; it is not an ONNX model")
    return proto


def _load_external_data(proto: onnx.ModelProto, path: Path) -> None:
    if not any(uses_external_data(tensor) for tensor in _tensors(proto.graph)):
        return
    try:
        load_external_data_for_model(proto, str(path.parent))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise ModelError(
            f"{path} keeps its weights in an external file that cannot be read "
            f"({_first_line(error)}); put that file beside the model"
        ) from error


def _check_header(proto: onnx.ModelProto, name: str) -> None:
    opset = next((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), None)
    if opset is None:
        raise ModelError(
            f"{name} names no opset (ONNX ir_version {proto.ir_version}, older than 2017-12), so "
            f"its operators have no meaning; export it again with opset 13 to {NEWEST_OPSET}"
        )
    if not OLDEST_OPSET <= opset <= NEWEST_OPSET:
        raise ModelError(
            f"{name} has opset {opset}; {OLDEST_OPSET} to {NEWEST_OPSET} are read, "
            "so export it again with opset 13 or later"
        )


def _check_operators(model: ir.Model, name: str) -> None:
    unknown = sorted(
        {label for node in model.graph.all_nodes() if (label := _unknown(model, node))}
    )
    if unknown:
        raise UnsupportedError(
            f"{name} uses operators that the ONNX standard does not define: {', '.join(unknown)}; "
            "export it with standard operators (QuantizeLinear / DequantizeLinear for quantization)"
        )


def _unknown(model: ir.Model, node: ir.Node) -> str | None:
    """`domain.op` of a node that neither the standard nor a function of the model defines."""
    known = (
        node.op_identifier() in model.functions
        or (node.domain, node.op_type) in FOREIGN_OPS
        or (node.domain in ("", "ai.onnx") and onnx.defs.has(node.op_type))
    )
    return None if known else ".".join(filter(None, (node.domain, node.op_type)))


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of a graph and its subgraphs: initializers and attributes."""
    yield from graph.initializer
    for attribute in (a for node in graph.node for a in node.attribute):
        if attribute.HasField("t"):
            yield attribute.t
        if attribute.HasField("g"):
            yield from _tensors(attribute.g)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
