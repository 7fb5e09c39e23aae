"""TFLite files with one operator, written by LiteRT's own schema bindings.

The bindings are independent of both readers under test (native/src and edgesdk_quant.tflite).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import numpy.typing as npt

TYPE_OF_DTYPE = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.float64): schema.TensorType.FLOAT64,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.int16): schema.TensorType.INT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}


@dataclass(frozen=True)
class TensorDef:
    """One tensor of a single-operator model.

    Attributes:
        shape: dimensions; () is a scalar.
        dtype: element type.
        data: value of a constant, or None for a tensor that is fed or computed.
        scale: quantization scales, one (per tensor) or shape[axis] (per channel); () for none.
        zero_point: as many zero points; () means zeros.
        axis: the channel dimension of per-channel quantization.
        variable: whether the tensor is state that starts at zero (LSTM).
    """

    shape: tuple[int, ...]
    dtype: npt.DTypeLike = np.float32
    data: npt.ArrayLike | None = None
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    axis: int = 0
    variable: bool = False


def constant(
    value: npt.ArrayLike, dtype: npt.DTypeLike | None = None, **quantization: Any
) -> TensorDef:
    """Return the constant tensor that holds `value`."""
    array = np.asarray(value, dtype)
    return TensorDef(array.shape, array.dtype, array, **quantization)


def single_op_model(
    op_code: int,
    options: object | None,
    inputs: Sequence[TensorDef | None],
    outputs: Sequence[TensorDef],
    *,
    version: int = 1,
    intermediates: Sequence[TensorDef] = (),
) -> bytes:
    """Return a .tflite file whose only subgraph holds one operator.

    Args:
        op_code: a value of schema.BuiltinOperator.
        options: an object such as schema.Conv2DOptionsT(), or None.
        inputs: operator inputs in order, None for an optional input that is left out; those with
            neither data nor state become the model's inputs.
        outputs: operator outputs in order, which are the model's outputs.
        version: operator version.
        intermediates: the operator's intermediate tensors (integer LSTM).
    """
    model = schema.ModelT()
    model.version = 3
    model.description = "single op"
    model.buffers = [schema.BufferT()]
    subgraph = schema.SubGraphT()
    subgraph.name = "main"
    subgraph.tensors = []

    def add(tensor: TensorDef | None, name: str) -> int:
        if tensor is None:
            return -1
        subgraph.tensors.append(_tensor(model, tensor, name))
        return len(subgraph.tensors) - 1

    operator = schema.OperatorT()
    operator.inputs = [add(tensor, f"input{i}") for i, tensor in enumerate(inputs)]
    operator.outputs = [add(tensor, f"output{i}") for i, tensor in enumerate(outputs)]
    operator.intermediates = [add(t, f"intermediate{i}") for i, t in enumerate(intermediates)]
    _set_options(operator, options)
    subgraph.operators = [operator]
    subgraph.inputs = [
        number
        for number, tensor in zip(operator.inputs, inputs, strict=True)
        if tensor is not None and tensor.data is None and not tensor.variable
    ]
    subgraph.outputs = list(operator.outputs)
    model.subgraphs = [subgraph]
    model.operatorCodes = [_operator_code(op_code, version)]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _tensor(model: Any, tensor: TensorDef, name: str) -> Any:
    """Return the schema object of a tensor; its data goes into a new buffer of the model."""
    packed = schema.TensorT()
    packed.name = name
    packed.shape = list(tensor.shape)
    packed.type = TYPE_OF_DTYPE[np.dtype(tensor.dtype)]
    packed.hasRank = True
    packed.isVariable = tensor.variable
    if tensor.data is not None:
        buffer = schema.BufferT()
        data = np.ascontiguousarray(np.asarray(tensor.data, tensor.dtype)).tobytes()
        buffer.data = np.frombuffer(data, np.uint8)
        packed.buffer = len(model.buffers)
        model.buffers.append(buffer)
    if tensor.scale:
        packed.quantization = schema.QuantizationParametersT()
        packed.quantization.scale = list(tensor.scale)
        packed.quantization.zeroPoint = list(tensor.zero_point or (0,) * len(tensor.scale))
        packed.quantization.quantizedDimension = tensor.axis
    return packed


def _operator_code(op_code: int, version: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = op_code
    code.deprecatedBuiltinCode = min(op_code, 127)
    code.version = version
    return code


def _set_options(operator: Any, options: object | None) -> None:
    """Store options in the union that knows their class (newer operators use the second one)."""
    if options is None:
        return
    name = type(options).__name__.removesuffix("T")
    if hasattr(schema.BuiltinOptions, name):
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        operator.builtinOptions = options
    else:
        operator.builtinOptions2Type = getattr(schema.BuiltinOptions2, name)
        operator.builtinOptions2 = options
