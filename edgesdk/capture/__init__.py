"""Capture a trained model, an `nn.Module` or ONNX in any form, as a Graph in normal form."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import onnx
import onnx_ir as ir

from edgesdk.capture.input_shapes import all_shapes_follow, close_dimensions
from edgesdk.capture.torch_module import export_module, is_module
from edgesdk.capture.unrolling import unroll_loops
from edgesdk.spec import input_specs
from edgesdk_quant.graph import from_proto, load, normalize, value_shape
from edgesdk_quant.graph.batch import with_batch_of_one
from edgesdk_runtimes.errors import InputError

BATCH_OF_ONE = (
    "The model leaves its batch open, but sizes inside it are computed at run time and cannot be "
    "known for every batch: it is captured for a batch of 1. Give inputs={name: shape} with "
    "another first size for another fixed batch."
)


def capture(model: Any, inputs: Mapping[str, Any] | None = None) -> ir.Model:
    """Capture a model as a Graph (docs/ARCHITECTURE.md, "The Graph").

    Args:
        model: an `nn.Module`, the path of an .onnx file, its bytes, a ModelProto or an `ir.Model`.
        inputs: name -> shape tuple (None first: open batch), InputSpec or example array. For a
            module without the `@edgesdk.model` declaration: in the order of its forward arguments.
            For ONNX: needed only to fix dimensions that the file leaves open.

    Warns:
        UserWarning: the batch was open and is now 1, because shapes cannot follow it.

    Raises:
        InputError: the path is wrong, or the inputs are not fully declared.
        ModelError: the model is malformed, or torch cannot export it.
        UnsupportedError: it has operators that ONNX does not define.
    """
    if is_module(model):
        return unroll_loops(normalize(export_module(model, inputs)))
    source = close_dimensions(_read(model), input_specs(inputs) if inputs else {})
    graph = unroll_loops(normalize(source))
    if all_shapes_follow(graph):
        return graph
    if any(None in (value_shape(value) or ()) for value in graph.graph.inputs):
        warnings.warn(BATCH_OF_ONE, stacklevel=2)
    return unroll_loops(normalize(with_batch_of_one(source)))


def _read(model: Any) -> ir.Model:
    if isinstance(model, (str, os.PathLike, bytes)):
        return load(model)
    if isinstance(model, onnx.ModelProto):
        return from_proto(model)
    if isinstance(model, ir.Model):
        return model
    raise InputError(
        f"a model of type {type(model).__name__} was given; give a torch nn.Module, "
        "the path of an .onnx file, its bytes, an onnx ModelProto or an onnx_ir Model"
    )
