"""The bare graph of any model: shapes, types, parameters and multiply-accumulates."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from edgesdk.artifact import Artifact, read_artifact
from edgesdk.report.contents import FileSize, Report
from edgesdk.report.findings import Findings, describe_layers
from edgesdk.report.layers import group_layers
from edgesdk.report.network import Network
from edgesdk.report.onnx_network import load_with_shapes, onnx_network
from edgesdk.report.tflite_network import tflite_network
from edgesdk_runtimes.errors import InputError


def trace_model(model: Any, inputs: Any = None) -> Report:
    """Look at a model without running or quantizing it.

    Args:
        model: path or bytes of an .onnx or .tflite file, or an `nn.Module`.
        inputs: name -> shape, for a module that does not declare its inputs.

    Raises:
        InputError: no such file, or the module's inputs are not declared.
        ModelError: the file is malformed, or the module cannot be captured.
    """
    if isinstance(model, str | os.PathLike | bytes | Artifact):
        artifact = read_artifact(model)
        name = Path(artifact.name).name
        files = (FileSize(name, len(artifact.data)),)
        return _bare(_network(artifact, name), name, files)
    from edgesdk.capture import capture

    name = type(model).__name__
    return _bare(onnx_network(capture(model, inputs), name), name, ())


def _bare(network: Network, title: str, files: tuple[FileSize, ...]) -> Report:
    grouping = group_layers(network)
    layers = describe_layers(network, grouping, Findings())
    return Report(title, network, grouping, layers, files)


def _network(artifact: Artifact, name: str) -> Network:
    if artifact.format == "tflite":
        from edgesdk_quant.tflite.reader import read_model

        return tflite_network(read_model(artifact.data), name)
    if artifact.format != "onnx":
        raise InputError(f"{name} is a declaration for the null runtime; give a model file.")
    return onnx_network(load_with_shapes(artifact), name)
