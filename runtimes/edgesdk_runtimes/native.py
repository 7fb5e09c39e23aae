"""Adapter for our own C runtime, libedgert, through cffi in ABI mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgesdk_runtimes.base import Array, RuntimeStatus, TensorSpec
from edgesdk_runtimes.errors import ModelError, RuntimeMissingError
from edgesdk_runtimes.fit import check_arrays
from edgesdk_runtimes.native_abi import ERROR_BYTES, ERRORS, foreign_interface, loaded_library

# edgert_type -> numpy dtype of the arrays that go in and out.
DTYPES: dict[int, str] = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    6: "bool",
    7: "int16",
    9: "int8",
    10: "float64",
    15: "uint32",
    16: "uint16",
}


@dataclass(frozen=True)
class NodeProfile:
    """One planned operator: what runs it and what it costs.

    Attributes:
        op: TFLite builtin name.
        kernel: name of the chosen kernel.
        output: name of its first output tensor.
        shape: shape of its first output.
        macs: multiply-accumulates in one run.
        nanoseconds: time of the last run; 0 unless the session was opened with profile.
    """

    op: str
    kernel: str
    output: str
    shape: tuple[int, ...]
    macs: int
    nanoseconds: int


class NativeSession:
    """A planned model; all its memory is taken when it is made."""

    def __init__(
        self,
        model: bytes,
        threads: int,
        profile: bool = False,
        kernels: str = "",
        unfused: bool = False,
    ) -> None:
        self._ffi, self._library = foreign_interface(), loaded_library()
        self._data = self._ffi.from_buffer("char[]", model)
        self._model = self._create("edgert_model", self._open_model, self._ffi.NULL)
        isa = self._ffi.new("char[]", kernels.encode())
        options = self._ffi.new(
            "edgert_session_options *",
            {"threads": threads, "profile": profile, "kernels": isa, "unfused": unfused},
        )
        options.size = self._ffi.sizeof("edgert_session_options")
        try:
            self._session = self._create("edgert_session", self._open_session, options)
        except ModelError:
            self.close()
            raise
        self._inputs = self._specs("input")
        self._outputs = self._specs("output")

    _model: Any = None
    _session: Any = None

    def _open_model(self, options: Any, *result: Any) -> int:
        size = len(self._data)
        return int(self._library.edgert_model_from_memory(self._data, size, options, *result))

    def _open_session(self, options: Any, *result: Any) -> int:
        return int(self._library.edgert_session_create(self._model, options, *result))

    def _create(self, kind: str, make: Callable[..., int], options: Any) -> Any:
        made = self._ffi.new(f"{kind} **")
        why = self._ffi.new("char[]", ERROR_BYTES)
        status = make(options, made, why, ERROR_BYTES)
        if status:
            text = self._ffi.string(why).decode(errors="replace")
            raise ERRORS.get(status, ModelError)(text)
        return made[0]

    def _specs(self, side: str) -> tuple[TensorSpec, ...]:
        count = getattr(self._library, f"edgert_session_{side}_count")(self._session)
        read = getattr(self._library, f"edgert_session_{side}_info")
        info = self._ffi.new("edgert_tensor_info *")
        specs = []
        for index in range(count):
            read(self._session, index, info)
            specs.append(self._spec(info))
        return tuple(specs)

    def _spec(self, info: Any) -> TensorSpec:
        name = self._ffi.string(info.name).decode(errors="replace")
        dtype = DTYPES.get(int(info.type))
        if dtype is None:
            raise ModelError(f"tensor {name!r} has type {int(info.type)}, which no array can hold")
        scale, zero_point = (info.scale, info.zero_point) if info.quantized else (None, None)
        shape = tuple(info.dims[0 : info.rank])
        return TensorSpec(name, shape, np.dtype(dtype), scale, zero_point)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._outputs

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        self._check_open()
        check_arrays(self._inputs, arrays)
        for index, array in enumerate(arrays):
            target = self._library.edgert_session_input(self._session, index)
            self._ffi.memmove(target, np.ascontiguousarray(array), array.nbytes)
        if self._library.edgert_session_run(self._session):
            text = self._ffi.string(self._library.edgert_session_error(self._session))
            raise ModelError(text.decode(errors="replace"))
        return [self._output(index, spec) for index, spec in enumerate(self._outputs)]

    def _output(self, index: int, spec: TensorSpec) -> Array:
        result = np.empty([size or 0 for size in spec.shape], spec.dtype)
        source = self._library.edgert_session_output(self._session, index)
        self._ffi.memmove(self._ffi.from_buffer(result), source, result.nbytes)
        return result

    def reset(self) -> None:
        """Set variables and LSTM cells back to their start."""
        self._check_open()
        self._library.edgert_session_reset(self._session)

    @property
    def arena_bytes(self) -> int:
        """Bytes of the activation arena."""
        self._check_open()
        return int(self._library.edgert_session_arena_bytes(self._session))

    def nodes(self) -> tuple[NodeProfile, ...]:
        """Planned operators in execution order."""
        self._check_open()
        count = self._library.edgert_session_node_count(self._session)
        return tuple(self._node(index) for index in range(count))

    def _node(self, index: int) -> NodeProfile:
        info = self._ffi.new("edgert_node_info *")
        self._library.edgert_session_node_info(self._session, index, info)
        op, kernel, output = (
            self._ffi.string(text).decode(errors="replace") if text else ""
            for text in (info.op, info.kernel, info.output)
        )
        shape = tuple(info.dims[0 : info.rank])
        return NodeProfile(op, kernel, output, shape, info.macs, info.nanoseconds)

    def _check_open(self) -> None:
        if self._session is None:
            raise ModelError("The session is closed; open the model again.")

    def close(self) -> None:
        if self._session is not None:
            self._library.edgert_session_destroy(self._session)
        if self._model is not None:
            self._library.edgert_model_close(self._model)
        self._session = self._model = None

    def __del__(self) -> None:
        self.close()


class NativeRuntime:
    """The adapter."""

    name = "native"
    formats = frozenset({"tflite"})

    def probe(self) -> RuntimeStatus:
        try:
            loaded = loaded_library()
        except RuntimeMissingError as error:
            return RuntimeStatus(self.name, False, "", str(error))
        version, isa = (
            foreign_interface().string(text).decode()
            for text in (loaded.edgert_version(), loaded.edgert_isa())
        )
        return RuntimeStatus(self.name, True, version, f"kernels: {isa}")

    def open(
        self,
        model: bytes,
        *,
        threads: int = 1,
        profile: bool = False,
        kernels: str = "",
        unfused: bool = False,
    ) -> NativeSession:
        """Open a .tflite file's bytes.

        Args:
            model: the file.
            threads: 1 to 64; results do not depend on it.
            profile: keep the time of each operator.
            kernels: the last instruction set to use, e.g. "generic"; "": the fastest here.
            unfused: run every operator by itself.

        Raises:
            RuntimeMissingError: the library is not installed.
            ModelError: the file is malformed, or needs more than there is.
            UnsupportedError: it has operators that we lack; all are named.
        """
        return NativeSession(model, threads, profile, kernels, unfused)
