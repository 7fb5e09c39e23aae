"""Operators that the ONNX standard defines as functions of simpler ones, written out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import onnx
import onnx.inliner
import onnx_ir as ir

from edgesdk_quant.graph.constants import lift_constants

DOMAIN = "expanded"


def expand_functions(model: ir.Model, op_types: Collection[str]) -> ir.Model:
    """Replace operators of the default domain by their definitions in the standard.

    Args:
        model: a model whose values have types; not changed.
        op_types: operators to expand; those without a definition as a function stay.

    Returns:
        A new model, or the given one where nothing was to do.
    """
    version = model.opset_imports.get("", 0)
    definitions = {
        i: definition
        for i, node in enumerate(model.graph.all_nodes())
        if node.domain == "" and node.op_type in op_types
        if (definition := _definition(node, version)) is not None
    }
    if not definitions:
        return model
    model = model.clone()
    for i, node in enumerate(list(model.graph.all_nodes())):
        if i in definitions:
            _write_out_defaults(node, version)
            node.domain, node.op_type = DOMAIN, f"{node.op_type}_{i}"
    model.opset_imports[DOMAIN] = 1
    proto = ir.to_proto(model)
    for i, definition in definitions.items():
        definition.domain, definition.name = DOMAIN, f"{definition.name}_{i}"
        # Bodies of opset 18 and later mean the same up to now; older ones have no axes attribute.
        del definition.opset_import[:]
        definition.opset_import.append(onnx.helper.make_opsetid("", version))
        proto.functions.append(definition)
    expanded = ir.from_proto(onnx.inliner.inline_local_functions(proto))
    expanded.opset_imports.pop(DOMAIN, None)
    lift_constants(expanded)
    return expanded


def _definition(node: ir.Node, version: int) -> onnx.FunctionProto | None:
    """The standard's function for a node; None where it gives none."""
    if not onnx.defs.has(node.op_type, version):
        return None
    schema: Any = onnx.defs.get_schema(node.op_type, version)  # its type stub lacks functions
    if schema.has_function:
        data = schema.get_function_with_opset_version(
            _latest(schema.function_opset_versions, version)
        )
    elif schema.has_context_dependent_function:
        data = schema.get_context_dependent_function_with_opset_version(
            _latest(schema.context_dependent_function_opset_versions, version),
            ir.to_proto(node).SerializeToString(),
            [_type(value).SerializeToString() for value in node.inputs],
        )
    else:
        return None
    return onnx.FunctionProto.FromString(data) if data else None


def _latest(versions: Collection[int], version: int) -> int:
    return max(v for v in versions if v <= version)


def _type(value: ir.Value | None) -> onnx.TypeProto:
    """An operand's type; an empty one for an operand that is left out."""
    if value is None or value.type is None:
        return onnx.TypeProto()
    described: onnx.ValueInfoProto = ir.to_proto(value)
    return described.type


def _write_out_defaults(node: ir.Node, version: int) -> None:
    """The inliner knows no default of an attribute that a node leaves out."""
    for name, attribute in onnx.defs.get_schema(node.op_type, version).attributes.items():
        if name not in node.attributes and attribute.default_value.name:
            node.attributes[name] = ir.serde.deserialize_attribute(attribute.default_value)
