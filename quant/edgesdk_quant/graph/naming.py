"""Unique, stable names, and nothing in the file that tells where it was made."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common

OURS = "edgesdk."


def strip_metadata(model: ir.Model) -> None:
    """Drop doc strings and metadata (stack traces, paths) but our own entries of the model."""
    ours = {k: v for k, v in model.metadata_props.items() if k.startswith(OURS)}
    common.ClearMetadataAndDocStringPass()(model)
    model.metadata_props.clear()
    model.metadata_props.update(ours)
    model.graph.name = "main"
    model.producer_name, model.producer_version, model.doc_string = "edgesdk", "", None


def name_nodes(model: ir.Model) -> None:
    """Name each node after its first output where its own name is missing or taken."""
    common.NameFixPass()(model)
    taken: set[str] = set()
    for node in model.graph.all_nodes():
        wanted = node.name or f"{node.op_type}_{node.outputs[0].name}"
        name, count = wanted, 0
        while name in taken:
            count += 1
            name = f"{wanted}_{count}"
        node.name = name
        taken.add(name)
