"""Whole .tflite files, written by LiteRT's own schema bindings, small enough to break on purpose.

A model is made as a `schema.ModelT` object, so that a test can damage any field of it before `pack`
turns it into bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import numpy.typing as npt

TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}


class ModelBuilder:
    """A model under construction; graph 0 is the main one."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "small"
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.model.subgraphs = []

    def graph(self, name: str) -> GraphBuilder:
        """Add a subgraph."""
        graph = GraphBuilder(self, name)
        self.model.subgraphs.append(graph.subgraph)
        return graph

    def buffer(self, data: bytes) -> int:
        """Add a buffer and return its number."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(data, np.uint8)
        self.model.buffers.append(buffer)
        return len(self.model.buffers) - 1

    def code(self, builtin: int) -> int:
        """Add an operator code and return its number."""
        code = schema.OperatorCodeT()
        code.builtinCode = builtin
        code.deprecatedBuiltinCode = min(builtin, 127)
        code.version = 1
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1


class GraphBuilder:
    """A subgraph under construction."""

    def __init__(self, owner: ModelBuilder, name: str) -> None:
        self.owner = owner
        self.subgraph = schema.SubGraphT()
        self.subgraph.name = name
        self.subgraph.tensors = []
        self.subgraph.operators = []
        self.ends([], [])

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: npt.DTypeLike = np.float32,
        *,
        data: npt.ArrayLike | None = None,
        scale: Sequence[float] = (),
        zero_point: Sequence[int] = (),
        schema_type: int | None = None,
    ) -> int:
        """Add a tensor, a constant when `data` is given, and return its number."""
        tensor = schema.TensorT()
        tensor.name = name
        tensor.shape = list(shape)
        tensor.type = TYPES[np.dtype(dtype)] if schema_type is None else schema_type
        tensor.buffer = 0
        if data is not None:
            values = np.broadcast_to(np.asarray(data, dtype), tuple(shape))
            tensor.buffer = self.owner.buffer(np.ascontiguousarray(values).tobytes())
        if scale:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = list(scale)
            tensor.quantization.zeroPoint = list(zero_point or [0] * len(scale))
        self.subgraph.tensors.append(tensor)
        return len(self.subgraph.tensors) - 1

    def operator(
        self, builtin: int, inputs: Sequence[int], outputs: Sequence[int], options: Any = None
    ) -> None:
        """Add an operator; `options` is an object such as schema.Conv2DOptionsT()."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self.owner.code(builtin)
        operator.inputs = list(inputs)
        operator.outputs = list(outputs)
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            operator.builtinOptions = options
        self.subgraph.operators.append(operator)

    def ends(self, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        """Set which tensors come from and go to the caller."""
        self.subgraph.inputs = list(inputs)
        self.subgraph.outputs = list(outputs)


def pack(model: Any) -> bytes:
    """Return the bytes of a schema.ModelT."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def convolution() -> Any:
    """Int8 [1, 4, 4, 2] -> CONV_2D 3x3 with 3 channels -> FULLY_CONNECTED -> SOFTMAX [1, 4]."""
    rng = np.random.default_rng(7)
    builder = ModelBuilder()
    graph = builder.graph("main")
    weight_scale = [0.01, 0.02, 0.03]
    x = graph.tensor("x", [1, 4, 4, 2], np.int8, scale=[0.5], zero_point=[3])
    weight = graph.tensor(
        "weight", [3, 3, 3, 2], np.int8, data=rng.integers(-127, 128, (3, 3, 3, 2)),
        scale=weight_scale,
    )  # fmt: skip
    bias = graph.tensor(
        "bias", [3], np.int32, data=[10, -20, 30], scale=[0.5 * s for s in weight_scale]
    )
    maps = graph.tensor("maps", [1, 4, 4, 3], np.int8, scale=[0.1], zero_point=[-5])
    matrix = graph.tensor(
        "matrix", [4, 48], np.int8, data=rng.integers(-127, 128, (4, 48)), scale=[0.0005]
    )
    sums = graph.tensor("sums", [1, 4], np.int8, scale=[0.2], zero_point=[1])
    y = graph.tensor("y", [1, 4], np.int8, scale=[1 / 256], zero_point=[-128])
    conv = schema.Conv2DOptionsT()
    conv.padding = schema.Padding.SAME
    conv.strideH = conv.strideW = conv.dilationHFactor = conv.dilationWFactor = 1
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    graph.operator(schema.BuiltinOperator.CONV_2D, [x, weight, bias], [maps], conv)
    dense = schema.FullyConnectedOptionsT()
    graph.operator(schema.BuiltinOperator.FULLY_CONNECTED, [maps, matrix, -1], [sums], dense)
    graph.operator(schema.BuiltinOperator.SOFTMAX, [sums], [y], softmax)
    graph.ends([x], [y])
    return builder.model


def counter() -> Any:
    """Float [1, 4]: y = state + x, state = y; CALL_ONCE starts the state at 10."""
    builder = ModelBuilder()
    main, start = builder.graph("main"), builder.graph("start")
    op = schema.BuiltinOperator
    first = start.tensor("first", [1, 4], data=10.0)
    handle = _handle(start)
    start.operator(op.ASSIGN_VARIABLE, [handle, first], [], schema.AssignVariableOptionsT())
    once = schema.CallOnceOptionsT()
    once.initSubgraphIndex = 1
    main.operator(op.CALL_ONCE, [], [], once)
    x, state, y = (main.tensor(name, [1, 4]) for name in ("x", "state", "y"))
    handle = _handle(main)
    main.operator(op.READ_VARIABLE, [handle], [state], schema.ReadVariableOptionsT())
    main.operator(op.ADD, [state, x], [y], schema.AddOptionsT())
    main.operator(op.ASSIGN_VARIABLE, [handle, y], [], schema.AssignVariableOptionsT())
    main.ends([x], [y])
    return builder.model


def _handle(graph: GraphBuilder) -> int:
    handle = graph.tensor("handle", [], schema_type=schema.TensorType.RESOURCE)
    options = schema.VarHandleOptionsT()
    options.container = ""
    options.sharedName = "total"
    graph.operator(schema.BuiltinOperator.VAR_HANDLE, [], [handle], options)
    return handle


def branch() -> Any:
    """Float [2]: y = x + x where the BOOL `flag` is true, else x * x."""
    builder = ModelBuilder()
    main = builder.graph("main")
    op = schema.BuiltinOperator
    for name, code, options in (
        ("then", op.ADD, schema.AddOptionsT()),
        ("else", op.MUL, schema.MulOptionsT()),
    ):
        graph = builder.graph(name)
        value, result = graph.tensor("value", [2]), graph.tensor("result", [2])
        graph.operator(code, [value, value], [result], options)
        graph.ends([value], [result])
    flag = main.tensor("flag", [], np.bool_)
    x, y = main.tensor("x", [2]), main.tensor("y", [2])
    choice = schema.IfOptionsT()
    choice.thenSubgraphIndex, choice.elseSubgraphIndex = 1, 2
    main.operator(op.IF, [flag, x], [y], choice)
    main.ends([flag, x], [y])
    return builder.model


def loop() -> Any:
    """Float [3]: x doubles while `i` < 5; i and x come in and go out."""
    builder = ModelBuilder()
    main, condition, body = (builder.graph(name) for name in ("main", "condition", "body"))
    op = schema.BuiltinOperator
    i, x = condition.tensor("i", [1], np.int32), condition.tensor("x", [3])
    limit = condition.tensor("limit", [1], np.int32, data=5)
    more = condition.tensor("more", [1], np.bool_)
    condition.operator(op.LESS, [i, limit], [more], schema.LessOptionsT())
    condition.ends([i, x], [more])
    i, x = body.tensor("i", [1], np.int32), body.tensor("x", [3])
    one = body.tensor("one", [1], np.int32, data=1)
    i2, x2 = body.tensor("i2", [1], np.int32), body.tensor("x2", [3])
    body.operator(op.ADD, [i, one], [i2], schema.AddOptionsT())
    body.operator(op.ADD, [x, x], [x2], schema.AddOptionsT())
    body.ends([i, x], [i2, x2])
    i, x = main.tensor("i", [1], np.int32), main.tensor("x", [3])
    i2, x2 = main.tensor("i2", [1], np.int32), main.tensor("x2", [3])
    options = schema.WhileOptionsT()
    options.condSubgraphIndex, options.bodySubgraphIndex = 1, 2
    main.operator(op.WHILE, [i, x], [i2, x2], options)
    main.ends([i, x], [i2, x2])
    return builder.model


MODELS = {"branch": branch, "convolution": convolution, "counter": counter, "loop": loop}
