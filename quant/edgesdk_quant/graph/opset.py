"""Bring a model to one opset of the default domain."""

from __future__ import annotations

import onnx
import onnx_ir as ir

from edgesdk_runtimes.errors import UnsupportedError

OPSET = 21


def convert_opset(model: ir.Model, opset: int) -> ir.Model:
    """Convert the default domain to the given opset with ONNX's own version converter.

    Raises:
        UnsupportedError: an operator has no conversion.
    """
    if model.graph.opset_imports.get("") == opset:
        return model
    try:
        converted = onnx.version_converter.convert_version(ir.to_proto(model), opset)
    except (RuntimeError, ValueError, IndexError) as error:
        raise UnsupportedError(
            f"the model has opset {model.graph.opset_imports.get('')} and cannot be brought to "
            f"opset {opset} ({str(error).splitlines()[0]}); export it again with opset 13 or newer"
        ) from error
    return ir.from_proto(converted)
