"""The interpreter in the shape of a runtime adapter, so that it is one more column of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgesdk_quant.numerics import DTYPES
from edgesdk_quant.reference.interpreter import Interpreter
from edgesdk_quant.reference.state import State
from edgesdk_quant.tflite.model import Model, Tensor
from edgesdk_quant.tflite.reader import read_model
from edgesdk_runtimes.base import Array, RuntimeStatus, TensorSpec
from edgesdk_runtimes.fit import check_arrays

FLOAT_DTYPES = {"FLOAT32": np.float32, "INT64": np.int64, "BOOL": np.bool_, "FLOAT16": np.float16}


class ReferenceSession:
    """A model in the numpy interpreter."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.interpreter = Interpreter(model)
        self._last: tuple[Array, ...] = ()
        self._before = State()
        graph = model.subgraphs[0]
        self._inputs = tuple(_spec(graph.tensors[i]) for i in graph.inputs)
        self._outputs = tuple(_spec(graph.tensors[i]) for i in graph.outputs)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._outputs

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        check_arrays(self._inputs, arrays)
        self._last, self._before = tuple(arrays), self.interpreter.state.copy()
        return self.interpreter.run(arrays)

    def tensors(self) -> dict[str, Array]:
        """Every tensor of the last run that is no constant, by name, as stored; computed anew."""
        after, self.interpreter.state = self.interpreter.state, self._before.copy()
        try:
            return self.interpreter.tensors(self._last)
        finally:
            self.interpreter.state = after

    def reset(self) -> None:
        """Set variables and LSTM cells back to their start."""
        self.interpreter.state = State()

    def close(self) -> None:
        """Nothing to give back: arrays go when the session does."""


class ReferenceRuntime:
    """The adapter."""

    name = "reference"
    formats = frozenset({"tflite"})

    def probe(self) -> RuntimeStatus:
        return RuntimeStatus(self.name, True, np.__version__, "numpy interpreter, the simulation")

    def open(self, model: bytes, *, threads: int = 1) -> ReferenceSession:
        """Open a .tflite file's bytes; numpy decides itself how many threads it uses."""
        return ReferenceSession(read_model(model))


def _spec(tensor: Tensor) -> TensorSpec:
    dtype = np.dtype(DTYPES.get(tensor.type) or FLOAT_DTYPES[tensor.type])
    quantization = tensor.quantization
    if quantization is None:
        return TensorSpec(tensor.name, tensor.shape, dtype)
    scale, zero_point = float(quantization.scale[0]), int(quantization.zero_point[0])
    return TensorSpec(tensor.name, tensor.shape, dtype, scale, zero_point)
