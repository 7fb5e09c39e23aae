"""ONNX Runtime on the CPU, with exact 8-bit products on every x86 machine."""

from __future__ import annotations

import importlib
import importlib.util
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgesdk_runtimes import cpu
from edgesdk_runtimes.base import Array, RuntimeStatus, TensorSpec
from edgesdk_runtimes.errors import EdgeError, ModelError, RuntimeMissingError, UnsupportedError
from edgesdk_runtimes.fit import check_arrays

INSTALL = "Install it: pip install onnxruntime (or pip install 'edgesdk[quantize]')."

DTYPES = {
    "float": "float32",
    "float16": "float16",
    "double": "float64",
    "int8": "int8",
    "uint8": "uint8",
    "int16": "int16",
    "uint16": "uint16",
    "int32": "int32",
    "uint32": "uint32",
    "int64": "int64",
    "uint64": "uint64",
    "bool": "bool",
    "string": "object",
}

UNSUPPORTED = ("NOT_IMPLEMENTED", "is not a registered function/op", "No opset import", "opset")


def needs_exact_products(processor: cpu.Cpu) -> bool:
    """Whether ORT's default u8 x s8 kernels saturate: x86 without VNNI.

    There `vpmaddubsw` adds two products in int16. EfficientNet-Lite0 loses 5 points of top-1 so.
    """
    return processor.is_x86 and not processor.has_vnni


def _version() -> str:
    from importlib import metadata  # slow to import, and only asked for by probe

    try:
        return metadata.version("onnxruntime")
    except metadata.PackageNotFoundError:  # onnxruntime-gpu and others
        return "unknown"


def _load() -> Any:
    try:
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        raise RuntimeMissingError(f"onnxruntime cannot be imported ({error}). {INSTALL}") from error


def _options(ort: Any, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # it raises what matters; the rest would spoil our tables
    if needs_exact_products(cpu.detect()):
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def _create(ort: Any, model: bytes, options: Any) -> Any:
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exception classes share no base but Exception
        raise _refusal(error) from error


def _refusal(error: Exception) -> EdgeError:
    reason = " ".join(str(error).split()).rstrip(".")
    kind = UnsupportedError if any(mark in reason for mark in UNSUPPORTED) else ModelError
    return kind(
        f"ONNX Runtime refuses the model: {reason}. "
        "Check the file with onnx.checker, or export it again."
    )


def _spec(argument: Any) -> TensorSpec:
    dtype = DTYPES.get(argument.type.removeprefix("tensor(").removesuffix(")"))
    if dtype is None:
        raise UnsupportedError(
            f"'{argument.name}' is a {argument.type}; inputs and outputs must be dense tensors. "
            "Export the model with tensors at its border."
        )
    shape = tuple(size if isinstance(size, int) else None for size in argument.shape)
    return TensorSpec(argument.name, shape, np.dtype(dtype))


class OnnxSession:
    """A model in ONNX Runtime."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._inputs = tuple(_spec(argument) for argument in session.get_inputs())
        self._outputs = tuple(_spec(argument) for argument in session.get_outputs())

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._outputs

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        if self._session is None:
            raise ModelError("The session is closed; open the model again.")
        check_arrays(self._inputs, arrays)
        feed = {spec.name: a for spec, a in zip(self._inputs, arrays, strict=True)}
        try:
            return [np.asarray(out) for out in self._session.run(None, feed)]
        except Exception as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise ModelError(f"ONNX Runtime failed while running: {reason}") from error

    def close(self) -> None:
        self._session = None


class OnnxRuntime:
    """The adapter."""

    name = "onnxruntime"
    formats = frozenset({"onnx"})

    def probe(self) -> RuntimeStatus:
        if importlib.util.find_spec("onnxruntime") is None:
            return RuntimeStatus(self.name, False, "", f"not installed. {INSTALL}")
        exact = needs_exact_products(cpu.detect())
        detail = (
            "x86 without VNNI: session.x64quantprecision=1 keeps 8-bit products from saturating"
            if exact
            else "8-bit products are exact on this processor"
        )
        return RuntimeStatus(self.name, True, _version(), detail)

    def open(self, model: bytes, *, threads: int = 1, literal: bool = False) -> OnnxSession:
        """Open an ONNX file's bytes.

        Args:
            model: the file.
            threads: for each operator.
            literal: run Q/DQ nodes as they are written. Otherwise ONNX Runtime may fuse them, and
                it stores float weights behind quantized activations in 8 bits, one scale a tensor.
        """
        ort = _load()
        options = _options(ort, threads)
        if literal:
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        return OnnxSession(_create(ort, model, options))


def optimized_model(model: bytes) -> bytes:
    """The graph as ORT runs it after its fusions on this machine, as ONNX bytes.

    Raises:
        RuntimeMissingError: onnxruntime is not installed.
        ModelError: it refuses the model.
    """
    ort = _load()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "optimized.onnx"
        options = _options(ort, 1)
        options.optimized_model_filepath = str(target)
        _create(ort, model, options)
        return target.read_bytes()
