"""Bring a model to one opset of the default domain."""

from __future__ import annotations

import onnx
import onnx_ir as ir
from onnx.version_converter import ConvertError

from edgesdk_quant.graph.functions import expand_functions
from edgesdk_quant.graph.shapes import infer_shapes
from edgesdk_runtimes.errors import UnsupportedError

OPSET = 21
IR_VERSION = 10  # the ONNX file version that came with opset 21
FOREIGN = "com.microsoft"


def convert_opset(model: ir.Model, opset: int = OPSET) -> ir.Model:
    """Convert the default domain to the given opset, and 16-bit Q/DQ of ONNX Runtime with it.

    Raises:
        UnsupportedError: an operator has no conversion; each is named where that is known.
    """
    model.ir_version = IR_VERSION
    version = model.opset_imports.get("", model.opset_imports.get("ai.onnx"))
    if version is not None and version > opset:
        model = _relabel(model, version, opset)
    elif version != opset:
        model = _upgrade(model, version, opset)
    _adopt_foreign(model)
    return model


def _upgrade(model: ir.Model, version: int | None, opset: int) -> ir.Model:
    """ONNX's own version converter."""
    try:
        converted = onnx.version_converter.convert_version(ir.to_proto(model), opset)
    except (ConvertError, RuntimeError, ValueError, IndexError) as error:
        raise UnsupportedError(
            f"the model has opset {version} and cannot be brought to opset {opset} "
            f"({str(error).strip().splitlines()[0]}); export it again with opset 13 or newer"
        ) from error
    return ir.from_proto(converted)


def _relabel(model: ir.Model, version: int, opset: int) -> ir.Model:
    """Opsets after 21 add operators and widen types; what existed before means the same."""
    if any(not _exists(n, opset) for n in model.graph.all_nodes()):
        infer_shapes(model)
    while new := {n.op_type for n in model.graph.all_nodes() if not _exists(n, opset)}:
        expanded = expand_functions(model, new)
        if expanded is model:
            break
        model = expanded
    new = {n.op_type for n in model.graph.all_nodes() if not _exists(n, opset)}
    if new:
        raise UnsupportedError(
            f"the model has opset {version} and operators that opset {opset} lacks: "
            f"{', '.join(sorted(new))}; export it with opset {opset}"
        )
    model.opset_imports[""] = opset
    return model


def _exists(node: ir.Node, opset: int) -> bool:
    return node.domain != "" or onnx.defs.has(node.op_type, opset)


def _adopt_foreign(model: ir.Model) -> None:
    """com.microsoft Q/DQ have the attributes and meaning of those of opset 21."""
    for node in model.graph.all_nodes():
        if node.domain == FOREIGN:
            node.domain = ""
