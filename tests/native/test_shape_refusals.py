"""Operators whose shapes, axes or sizes cannot be: each refuses with a sentence that says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest

from edgesdk_runtimes.errors import EdgeError
from tests.native.running import native
from tests.native.single_op import TensorDef, constant, single_op_model

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
X = TensorDef((1, 4, 4, 2))


@dataclass(frozen=True)
class Case:
    """One operator that no runtime can run, and a word of the sentence that says so."""

    name: str
    code: int
    inputs: Sequence[TensorDef]
    message: str
    options: Any = None
    outputs: int = 1


def with_values(options: Any, **fields: Any) -> Any:
    """Set fields of an options object."""
    for name, value in fields.items():
        setattr(options, name, value)
    return options


def ints(*values: Any) -> TensorDef:
    """A constant of int32."""
    return constant(values, np.int32)


def pool(**fields: Any) -> Any:
    """A 2x2 pool, some of it changed."""
    sizes: dict[str, Any] = {"filterHeight": 2, "filterWidth": 2, "strideH": 1, "strideW": 1}
    return with_values(schema.Pool2DOptionsT(), **{**sizes, **fields})


def depthwise(**fields: Any) -> Any:
    """A plain depthwise convolution, some of it changed."""
    sizes: dict[str, Any] = {"strideH": 1, "strideW": 1, "depthMultiplier": 1}
    return with_values(schema.DepthwiseConv2DOptionsT(), **{**sizes, **fields})


WEIGHTS = constant(np.ones((1, 3, 3, 2), np.float32))
HUGE = 2**31 - 1
CASES = [
    Case("pool filter 0", OP.MAX_POOL_2D, [X], "filter", pool(filterHeight=0)),
    Case("pool filter negative", OP.AVERAGE_POOL_2D, [X], "filter", pool(filterWidth=-3)),
    Case("pool filter huge", OP.AVERAGE_POOL_2D, [X], "", pool(filterWidth=HUGE, padding=1)),
    Case("pool stride 0", OP.MAX_POOL_2D, [X], "stride", pool(strideH=0)),
    Case("depth multiplier", OP.DEPTHWISE_CONV_2D, [X, constant(np.ones((1, 3, 3, 3), np.float32))],
         "", depthwise()),
    Case("dilation huge", OP.DEPTHWISE_CONV_2D, [X, WEIGHTS], "",
         depthwise(dilationHFactor=HUGE, dilationWFactor=HUGE, padding=1)),
    Case("stride negative", OP.DEPTHWISE_CONV_2D, [X, WEIGHTS], "stride", depthwise(strideW=-2)),
    Case("fully connected depth", OP.FULLY_CONNECTED,
         [TensorDef((2, 5)), constant(np.ones((3, 4), np.float32))], "",
         schema.FullyConnectedOptionsT()),
    Case("concatenation axis", OP.CONCATENATION, [X, X], "axis",
         with_values(schema.ConcatenationOptionsT(), axis=4)),
    Case("concatenation of shapes that differ", OP.CONCATENATION, [X, TensorDef((1, 4, 5, 2))], "",
         with_values(schema.ConcatenationOptionsT(), axis=3)),
    Case("padding huge", OP.PAD, [X, constant([[0, 0], [HUGE, HUGE], [0, 0], [0, 0]], np.int32)],
         ""),
    Case("padding of another rank", OP.PAD, [X, constant([[0, 0], [1, 1]], np.int32)], ""),
    Case("strided slice by 0", OP.STRIDED_SLICE,
         [X, ints(0, 0, 0, 0), ints(1, 4, 4, 2), ints(1, 0, 1, 1)], "stride",
         schema.StridedSliceOptionsT()),
    Case("strided slice of nothing", OP.STRIDED_SLICE,
         [X, ints(0, 3, 0, 0), ints(1, 2, 4, 2), ints(1, 1, 1, 1)], "",
         schema.StridedSliceOptionsT()),
    Case("slice beyond", OP.SLICE, [X, ints(0, 2, 0, 0), ints(1, 3, 4, 2)], ""),
    Case("slice size below -1", OP.SLICE, [X, ints(0, 0, 0, 0), ints(1, -2, 4, 2)], ""),
    Case("resize to 0", OP.RESIZE_BILINEAR, [X, ints(0, 4)], "",
         schema.ResizeBilinearOptionsT()),
    Case("resize to a negative size", OP.RESIZE_NEAREST_NEIGHBOR, [X, ints(4, -1)], "",
         schema.ResizeNearestNeighborOptionsT()),
    Case("reduce axis out of range", OP.SUM, [X, ints(7)], "axis", schema.ReducerOptionsT()),
    Case("transpose by an axis twice", OP.TRANSPOSE, [X, ints(0, 1, 1, 2)], ""),
    Case("transpose by an axis out of range", OP.TRANSPOSE, [X, ints(0, 1, 2, 4)], ""),
    Case("transpose of another rank", OP.TRANSPOSE, [X, ints(0, 1)], ""),
    Case("split in 0", OP.SPLIT, [ints(1), X], "",
         with_values(schema.SplitOptionsT(), numSplits=0)),
    Case("split that does not divide", OP.SPLIT, [ints(1), X], "",
         with_values(schema.SplitOptionsT(), numSplits=3), outputs=3),
    Case("split along an axis out of range", OP.SPLIT, [ints(9), X], "",
         with_values(schema.SplitOptionsT(), numSplits=2), outputs=2),
    Case("split sizes that do not add up", OP.SPLIT_V, [X, ints(1, 2), ints(1)], "",
         with_values(schema.SplitVOptionsT(), numSplits=2), outputs=2),
    Case("two split sizes of -1", OP.SPLIT_V, [X, ints(-1, -1), ints(1)], "",
         with_values(schema.SplitVOptionsT(), numSplits=2), outputs=2),
    Case("unpack that does not fit", OP.UNPACK, [X], "",
         with_values(schema.UnpackOptionsT(), num=3, axis=1), outputs=3),
    Case("pack axis", OP.PACK, [X, X], "",
         with_values(schema.PackOptionsT(), valuesCount=2, axis=6)),
    Case("gather axis", OP.GATHER, [X, ints(0)], "", with_values(schema.GatherOptionsT(), axis=4)),
    Case("shapes that do not broadcast", OP.ADD, [X, TensorDef((1, 3, 4, 2))], "",
         schema.AddOptionsT()),
    Case("broadcast to a smaller shape", OP.BROADCAST_TO, [X, ints(1, 2, 4, 2)], ""),
    Case("tile a negative number of times", OP.TILE, [X, ints(1, -1, 1, 1)], ""),
    Case("tile beyond all memory", OP.TILE, [X, ints(HUGE, HUGE, HUGE, HUGE)], ""),
    Case("fill of a negative size", OP.FILL, [ints(-3), constant(1, np.float32)], ""),
    Case("top k of more than there are", OP.TOPK_V2, [X, constant(3, np.int32)], "", outputs=2),
    Case("one hot of negative depth", OP.ONE_HOT,
         [TensorDef((3,), np.int32), constant(-1, np.int32), constant(1, np.float32),
          constant(0, np.float32)], "", with_values(schema.OneHotOptionsT(), axis=-1)),
    Case("arg max along an axis out of range", OP.ARG_MAX, [X, constant(4, np.int32)], "",
         with_values(schema.ArgMaxOptionsT(), outputType=schema.TensorType.INT32)),
    Case("space to depth that does not divide", OP.SPACE_TO_DEPTH, [X], "",
         with_values(schema.SpaceToDepthOptionsT(), blockSize=3)),
    Case("space to depth by 0", OP.SPACE_TO_DEPTH, [X], "",
         with_values(schema.SpaceToDepthOptionsT(), blockSize=0)),
    Case("depth to space that does not divide", OP.DEPTH_TO_SPACE, [X], "",
         with_values(schema.DepthToSpaceOptionsT(), blockSize=2)),
    Case("batch to space that crops all", OP.BATCH_TO_SPACE_ND,
         [TensorDef((4, 2, 2, 1)), ints(2, 2), constant([[4, 4], [0, 0]], np.int32)], ""),
    Case("space to batch by a negative block", OP.SPACE_TO_BATCH_ND,
         [X, ints(-2, 2), constant([[0, 0], [0, 0]], np.int32)], ""),
    Case("cumsum along an axis out of range", OP.CUMSUM, [X, constant(4, np.int32)], "",
         schema.CumsumOptionsT()),
    Case("squeeze of a dimension over 1", OP.SQUEEZE, [X], "",
         with_values(schema.SqueezeOptionsT(), squeezeDims=[1])),
    Case("expand beyond", OP.EXPAND_DIMS, [X, constant(7, np.int32)], ""),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_cannot_be_is_refused(case: Case) -> None:
    dtype = np.int32 if case.code == OP.ARG_MAX else np.float32
    outputs = [TensorDef((1, 4, 4, 2), dtype) for _ in range(case.outputs)]
    if case.code == OP.TOPK_V2:
        outputs[1] = TensorDef((1, 4, 4, 2), np.int32)
    model = single_op_model(case.code, case.options, case.inputs, outputs)
    fed = [np.zeros(t.shape, t.dtype) for t in case.inputs if t.data is None]
    with pytest.raises(EdgeError) as refused:
        native(model, fed)
    sentence = str(refused.value)
    assert case.message in sentence
    assert len(sentence.split()) > 4, "an error says what was given"


def test_reducing_an_axis_twice_is_reducing_it_once() -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    model = single_op_model(
        OP.SUM, schema.ReducerOptionsT(), [TensorDef((3, 4)), ints(1, 1, -1)], [TensorDef((3,))]
    )
    np.testing.assert_array_equal(native(model, [x])[0], x.sum(1))


@pytest.mark.parametrize("code", ["ADD", "MUL", "MEAN", "RELU", "SOFTMAX", "QUANTIZE"])
@pytest.mark.parametrize("scales", [(1e-37, 1e37), (1e37, 1e-37)])
def test_scales_that_lie_far_apart_are_refused_or_saturate(
    code: str, scales: tuple[float, float]
) -> None:
    options = {"ADD": schema.AddOptionsT(), "MUL": schema.MulOptionsT(),
               "MEAN": schema.ReducerOptionsT(),
               "SOFTMAX": with_values(schema.SoftmaxOptionsT(), beta=1.0)}  # fmt: skip
    x = TensorDef((1, 4), np.int8, scale=(scales[0],))
    more = {"ADD": [x], "MUL": [x], "MEAN": [ints(0)]}.get(code, [])
    shape = (4,) if code == "MEAN" else (1, 4)
    model = single_op_model(
        getattr(OP, code), options.get(code), [x, *more],
        [TensorDef(shape, np.int8, scale=(scales[1],))],
    )  # fmt: skip
    array = np.array([[-128, -1, 1, 127]], np.int8)
    message = ""
    try:
        native(model, [array] * (2 if code in ("ADD", "MUL") else 1))
    except EdgeError as refused:
        message = str(refused)
    assert not message or "scale" in message
