"""Every way to break a model gets one sentence from the C library, and no crash.

The models are written by LiteRT's schema bindings and broken field by field;
`native/tests/test_damage.c` breaks them byte by byte under the sanitizers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest

from tests.native import model_builder
from tests.native.conftest import EdgeRun
from tests.native.model_builder import pack

pytestmark = pytest.mark.native

REFUSED, UNSUPPORTED = 1, 3


@dataclass(frozen=True)
class Case:
    """One broken model.

    Attributes:
        name: what is broken.
        message: what the sentence must say.
        damage: breaks the model in place.
        model: a function of model_builder.
        code: exit code of edge-run.
    """

    name: str
    message: str
    damage: Callable[[Any], object]
    model: Callable[[], Any] = model_builder.convolution
    code: int = REFUSED


def _tensor(model: Any, name: str) -> Any:
    return next(t for t in model.subgraphs[0].tensors if t.name == name)


def _set(tensor: str, field: str, value: Any) -> Callable[[Any], object]:
    return lambda model: setattr(_tensor(model, tensor), field, value)


def _quantize(tensor: str, **fields: Any) -> Callable[[Any], object]:
    def damage(model: Any) -> None:
        for field, value in fields.items():
            setattr(_tensor(model, tensor).quantization, field, value)

    return damage


def _graph(**fields: Any) -> Callable[[Any], object]:
    def damage(model: Any) -> None:
        for field, value in fields.items():
            setattr(model.subgraphs[0], field, value)

    return damage


def _operator(number: int, **fields: Any) -> Callable[[Any], object]:
    def damage(model: Any) -> None:
        for field, value in fields.items():
            setattr(model.subgraphs[0].operators[number], field, value)

    return damage


def _options(number: int, **fields: Any) -> Callable[[Any], object]:
    def damage(model: Any) -> None:
        for field, value in fields.items():
            setattr(model.subgraphs[0].operators[number].builtinOptions, field, value)

    return damage


def _code(number: int, **fields: Any) -> Callable[[Any], object]:
    def damage(model: Any) -> None:
        for field, value in fields.items():
            setattr(model.operatorCodes[number], field, value)

    return damage


def _buffer(tensor: str, **fields: Any) -> Callable[[Any], object]:
    def damage(model: Any) -> None:
        for field, value in fields.items():
            setattr(model.buffers[_tensor(model, tensor).buffer], field, value)

    return damage


def _metadata(model: Any) -> None:
    entry = schema.MetadataT()
    entry.name, entry.buffer = "min_runtime_version", 99
    model.metadata = [entry]


def _two_missing(model: Any) -> None:
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 32
    model.operatorCodes[0].customCode = "MyCustomOp"
    model.operatorCodes[2].builtinCode = 146
    model.subgraphs[0].operators[2].builtinOptionsType = 0


def _swap_operators(model: Any) -> None:
    model.subgraphs[0].operators[:2] = model.subgraphs[0].operators[1::-1]


def _call_itself(model: Any) -> None:
    model.subgraphs[0].operators[0].builtinOptions.initSubgraphIndex = 0


def _wider_branch(model: Any) -> None:
    graph = model.subgraphs[2]
    rows = schema.TensorT()
    rows.name, rows.shape, rows.buffer = "rows", [3, 2], len(model.buffers)
    model.buffers.append(schema.BufferT())
    model.buffers[-1].data = np.zeros(24, np.uint8)
    graph.tensors.append(rows)
    graph.operators[0].inputs = [0, len(graph.tensors) - 1]


def _sparse(model: Any) -> None:
    _tensor(model, "weight").sparsity = schema.SparsityParametersT()


def _blockwise(model: Any) -> None:
    quantization = _tensor(model, "weight").quantization
    quantization.detailsType = schema.QuantizationDetails.BlockwiseQuantization
    quantization.details = schema.BlockwiseQuantizationT()


F32, STRING, VARIANT = (
    schema.TensorType.FLOAT32,
    schema.TensorType.STRING,
    schema.TensorType.VARIANT,
)

CASES = [
    # the model
    Case("schema version 2", "schema version is 2", lambda m: setattr(m, "version", 2)),
    Case("no subgraph", "no subgraph", lambda m: setattr(m, "subgraphs", [])),
    Case("operator code out of bounds", "operator code 9", _operator(0, opcodeIndex=9)),
    Case("negative code", "negative code", _code(0, builtinCode=-5, deprecatedBuiltinCode=-5)),
    Case("buffer out of bounds", "buffer 77", _set("weight", "buffer", 77)),
    Case("metadata buffer out of bounds", "buffer 99", _metadata),
    Case("graph input out of bounds", "tensor 50", _graph(inputs=[50])),
    Case("graph input negative", "tensor -1", _graph(inputs=[-1])),
    Case("graph output out of bounds", "tensor 7", _graph(outputs=[7])),
    Case("offset and size beyond the file", "beyond the file",
         _buffer("weight", data=None, offset=1 << 40, size=54)),
    Case("offset and size that wrap", "beyond the file",
         _buffer("weight", data=None, offset=2**64 - 8, size=54)),
    Case("external buffer", "another file", _set("weight", "externalBuffer", 3), code=UNSUPPORTED),
    Case("two operators that are not known", "CUSTOM MyCustomOp, RANDOM_STANDARD_NORMAL",
         _two_missing, code=UNSUPPORTED),
    Case("an operator code from the future", "operator code 5000",
         _code(0, builtinCode=5000), code=UNSUPPORTED),
    Case("an output that nothing writes", "nothing writes",
         lambda m: m.subgraphs[0].operators.pop()),
    Case("a constant as graph input", "already a constant", _graph(inputs=[0, 1])),
    Case("an input twice", "already an input", _graph(inputs=[0, 0])),
    # tensors
    Case("rank 9", "9 dimensions", _set("x", "shape", [1] * 9)),
    Case("negative dimension", "size -4", _set("x", "shape", [1, -4, 4, 2])),
    Case("empty input", "empty", _set("x", "shape", [1, 0, 4, 2]), code=UNSUPPORTED),
    Case("2^32 elements", "2^31 elements", _set("x", "shape", [65536, 65536])),
    Case("2^64 elements", "2^31 elements", _set("x", "shape", [65536] * 4)),
    Case("constant with too few bytes", "54 bytes of data", _set("weight", "shape", [3, 3, 3, 4])),
    Case("string input", "STRING", _set("x", "type", STRING), code=UNSUPPORTED),
    Case("variant input", "VARIANT", _set("x", "type", VARIANT), code=UNSUPPORTED),
    Case("resource input", "RESOURCE", _set("x", "type", schema.TensorType.RESOURCE),
         code=UNSUPPORTED),
    Case("type from the future", "type 100", _set("x", "type", 100), code=UNSUPPORTED),
    Case("sparse weight", "sparse", _sparse, code=UNSUPPORTED),
    Case("variable with constant data", "both a variable", _set("weight", "isVariable", True)),
    Case("variable as graph input", "already a variable", _set("x", "isVariable", True)),
    # quantization
    Case("scale 0", "scale 0", _quantize("x", scale=[0.0])),
    Case("negative scale", "scale -1", _quantize("x", scale=[-1.0])),
    Case("denormal scale", "finite and normal", _quantize("x", scale=[1e-40])),
    Case("NaN scale", "nan", _quantize("x", scale=[float("nan")])),
    Case("infinite scale", "inf", _quantize("x", scale=[float("inf")])),
    Case("no scale", "no scale", _quantize("x", scale=[])),
    Case("two scales for three channels", "2 scales",
         _quantize("weight", scale=[0.1, 0.1], zeroPoint=[0, 0])),
    Case("two zero points for three scales", "2 zero points",
         _quantize("weight", zeroPoint=[0, 0])),
    Case("zero point out of range", "zero point 200", _quantize("x", zeroPoint=[200])),
    Case("zero point beyond 32 bits", "zero point 1099511627776",
         _quantize("x", zeroPoint=[1 << 40])),
    Case("axis out of bounds", "dimension 4", _quantize("weight", quantizedDimension=4)),
    Case("axis negative", "dimension -1", _quantize("weight", quantizedDimension=-1)),
    Case("weights in blocks of none", "blocks of 0", _blockwise),
    Case("input without quantization", "quant", _set("x", "quantization", None)),
    # operators
    Case("input number below -1", "tensor -2", _operator(0, inputs=[-2, 1, 2])),
    Case("input number out of bounds", "tensor 70", _operator(0, inputs=[0, 70, 2])),
    Case("output number -1", "tensor -1", _operator(0, outputs=[-1])),
    Case("required input left out", "left out", _operator(0, inputs=[0, -1, 2])),
    Case("no inputs", "inputs", _operator(0, inputs=[])),
    Case("no outputs", "nothing before it writes", _operator(0, outputs=[])),
    Case("a tensor written twice", "already written", _operator(1, outputs=[3])),
    Case("an output that is a constant", "already written by a constant",
         _operator(1, outputs=[1])),
    Case("an output that is its own input", "which nothing before it writes",
         _operator(0, inputs=[3, 1, 2])),
    Case("an operator before what it reads", "nothing before it writes", _swap_operators),
    Case("options of another operator", "options of type",
         _operator(0, builtinOptionsType=schema.BuiltinOptions.SoftmaxOptions)),
    Case("options type without options", "but has none", _operator(0, builtinOptions=None)),
    Case("stride 0", "stride", _options(0, strideH=0)),
    Case("negative stride", "stride", _options(0, strideW=-1)),
    Case("dilation 0", "dilation", _options(0, dilationHFactor=0)),
    Case("filter larger than the image", "", lambda m: (
        _options(0, padding=schema.Padding.VALID, dilationHFactor=100)(m))),
    Case("channels that do not divide", "", _set("x", "shape", [1, 4, 4, 3])),
    Case("matrix that does not fit", "", _set("matrix", "shape", [6, 32])),
    Case("softmax beta NaN", "beta", _options(2, beta=float("nan"))),
    Case("weight zero point", "zero point 5 in channel 1",
         _quantize("weight", zeroPoint=[0, 5, 0])),
    Case("bias scale", "scale 0.5 in channel 2; input scale times weight scale is 0.015",
         _quantize("bias", scale=[0.005, 0.01, 0.5])),
    Case("bias of another length", "", lambda m: (
        _set("bias", "shape", [1])(m), _buffer("bias", data=np.zeros(4, np.uint8))(m),
        _quantize("bias", scale=[0.005], zeroPoint=[0])(m))),
    # subgraphs
    Case("subgraph out of bounds", "calls subgraph 9", model=model_builder.counter,
         damage=_options(0, initSubgraphIndex=9)),
    Case("subgraph that calls itself", "calls itself", _call_itself, model_builder.counter),
    Case("loop with fewer values than outputs", "2 outputs", model=model_builder.loop,
         damage=lambda m: m.subgraphs[0].operators[0].inputs.pop()),
    Case("condition that is no BOOL", "BOOL", model=model_builder.loop,
         damage=lambda m: setattr(m.subgraphs[1], "outputs", m.subgraphs[1].inputs[:1])),
    Case("branches with different shapes", "another shape", _wider_branch, model_builder.branch,
         code=UNSUPPORTED),
]  # fmt: skip


def _sentence(edge_run: EdgeRun, path: Path, code: int) -> str:
    done = edge_run("verify", path)
    assert done.code == code, done
    assert done.stdout == ""
    assert done.stderr.startswith("edge-run: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize("name", model_builder.MODELS)
def test_the_unbroken_models_are_valid(edge_run: EdgeRun, tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(pack(model_builder.MODELS[name]()))
    assert edge_run("verify", path).code == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_broken_field_is_named(edge_run: EdgeRun, tmp_path: Path, case: Case) -> None:
    model = case.model()
    case.damage(model)
    path = tmp_path / "model.tflite"
    path.write_bytes(pack(model))
    assert case.message in _sentence(edge_run, path, case.code)


@pytest.mark.parametrize("size", range(8))
def test_a_file_under_eight_bytes_is_refused(edge_run: EdgeRun, tmp_path: Path, size: int) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"\x10\0\0\0TFL3"[:size])
    assert ("empty" if size == 0 else "at least 8") in _sentence(edge_run, path, REFUSED)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"\x10\0\0\0TFL2", "not a .tflite file"),
        (b"\xff\xff\xff\x7fTFL3", "damaged"),
        (b"\xff\xff\xff\xffTFL3", "damaged"),
        (b"\x11\0\0\0TFL3", "damaged"),
        (b"\0\0\0\0TFL3", "damaged"),
    ],
)
def test_a_broken_start_is_refused(
    edge_run: EdgeRun, tmp_path: Path, start: bytes, message: str
) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(start + pack(model_builder.convolution())[8:])
    assert message in _sentence(edge_run, path, REFUSED)


def test_tables_that_overlap_cannot_take_memory_without_end(
    edge_run: EdgeRun, tmp_path: Path
) -> None:
    """A 1.6 MB file whose 400,000 subgraph offsets all point to one subgraph."""
    data = bytearray(pack(model_builder.convolution()))
    (root,) = struct.unpack_from("<I", data, 0)
    (back,) = struct.unpack_from("<i", data, root)
    (slot,) = struct.unpack_from("<H", data, root - back + 4 + 2 * 2)
    field = root + slot
    vector = field + struct.unpack_from("<I", data, field)[0]
    target = vector + 4 + struct.unpack_from("<I", data, vector + 4)[0]
    data += bytes(-len(data) % 4)
    fresh, count = len(data), 400_000
    struct.pack_into("<I", data, field, fresh - field)
    data += struct.pack("<I", count)
    data += b"".join(
        struct.pack("<I", (target - (fresh + 4 + 4 * i)) % 2**32) for i in range(count)
    )
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    assert "damaged" in _sentence(edge_run, path, REFUSED)


@pytest.mark.parametrize(("deprecated", "builtin"), [(3, 0), (0, 3), (3, 3), (-1, 3)])
def test_the_larger_of_an_operators_two_codes_counts(
    edge_run: EdgeRun, tmp_path: Path, deprecated: int, builtin: int
) -> None:
    """Old files have the 8-bit field only."""
    model = model_builder.convolution()
    model.operatorCodes[0].deprecatedBuiltinCode = deprecated
    model.operatorCodes[0].builtinCode = builtin
    path = tmp_path / "model.tflite"
    path.write_bytes(pack(model))
    assert edge_run("verify", path).code == 0


def test_a_missing_file_is_named(edge_run: EdgeRun, tmp_path: Path) -> None:
    path = tmp_path / "none.tflite"
    assert "none.tflite cannot be opened" in _sentence(edge_run, path, REFUSED)


def test_data_behind_the_tables_is_read(edge_run: EdgeRun, tmp_path: Path) -> None:
    """Buffer.offset and size: how files over 2 GB keep their weights."""
    model = model_builder.convolution()
    buffer = model.buffers[_tensor(model, "weight").buffer]
    weights = bytes(buffer.data)
    buffer.data, buffer.offset, buffer.size = None, 1, len(weights)
    buffer.offset = -(-len(pack(model)) // 64) * 64 + 64
    path = tmp_path / "model.tflite"
    path.write_bytes(pack(model).ljust(buffer.offset, b"\0") + weights)
    assert edge_run("verify", path).code == 0
    path.write_bytes(path.read_bytes()[:-1])
    assert "beyond the file" in _sentence(edge_run, path, REFUSED)
