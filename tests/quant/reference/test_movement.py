"""What only moves values: the numpy interpreter has LiteRT's results for every type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest

from tests.native.running import random_array
from tests.native.single_op import TensorDef, constant, single_op_model
from tests.quant.reference.against_litert import assert_same

OP = schema.BuiltinOperator


def fields(kind: Any, **values: Any) -> Any:
    """An options object with fields set."""
    options = kind()
    for name, value in values.items():
        setattr(options, name, value)
    return options


def ints(*values: Any) -> TensorDef:
    """A constant of int32."""
    return constant(values, np.int32)


@dataclass(frozen=True)
class Case:
    """An operator on one array, which stands first unless `last`, with constants after it."""

    code: int
    shape: tuple[int, ...]
    output: tuple[int, ...]
    constants: tuple[TensorDef, ...] = ()
    options: Any = None
    outputs: int = 1
    last: bool = False
    version: int = 1


PADS = constant([[0, 0], [1, 2], [2, 1], [0, 0]], np.int32)
CASES = {
    "transpose": Case(OP.TRANSPOSE, (2, 3, 4), (4, 2, 3), (ints(2, 0, 1),)),
    "reshape": Case(OP.RESHAPE, (2, 3, 4), (4, 6), (ints(4, -1),)),
    "squeeze": Case(OP.SQUEEZE, (2, 1, 3), (2, 3), (),
                    fields(schema.SqueezeOptionsT, squeezeDims=[1])),
    "expand": Case(OP.EXPAND_DIMS, (2, 3), (2, 1, 3), (constant(1, np.int32),)),
    "slice": Case(OP.SLICE, (3, 5), (2, 4), (ints(1, 1), ints(-1, 4))),
    "strided slice": Case(OP.STRIDED_SLICE, (4, 6), (3,), (ints(1, -1), ints(2, -7), ints(1, -2)),
                          fields(schema.StridedSliceOptionsT, shrinkAxisMask=1)),
    "strided slice with masks": Case(
        OP.STRIDED_SLICE, (4, 6), (4, 2), (ints(2, 1), ints(1, 3), ints(1, 1)),
        fields(schema.StridedSliceOptionsT, beginMask=1, endMask=1)),
    "split": Case(OP.SPLIT, (2, 6), (2, 2), (constant(1, np.int32),),
                  fields(schema.SplitOptionsT, numSplits=3), 3, last=True),
    "unpack": Case(OP.UNPACK, (3, 2), (3,), (), fields(schema.UnpackOptionsT, num=2, axis=1), 2),
    "tile": Case(OP.TILE, (2, 3), (4, 9), (ints(2, 3),)),
    "broadcast": Case(OP.BROADCAST_TO, (1, 3), (4, 3), (ints(4, 3),), version=2),
    "reverse": Case(OP.REVERSE_V2, (2, 3, 4), (2, 3, 4), (ints(1),)),
    "pad": Case(OP.PAD, (1, 3, 4, 2), (1, 6, 7, 2), (PADS,)),
    "mirror": Case(OP.MIRROR_PAD, (1, 3, 4, 2), (1, 6, 7, 2), (PADS,),
                   fields(schema.MirrorPadOptionsT, mode=0)),
    "symmetric mirror": Case(OP.MIRROR_PAD, (1, 3, 4, 2), (1, 6, 7, 2), (PADS,),
                             fields(schema.MirrorPadOptionsT, mode=1)),
    "space to depth": Case(OP.SPACE_TO_DEPTH, (1, 4, 6, 2), (1, 2, 3, 8), (),
                           fields(schema.SpaceToDepthOptionsT, blockSize=2)),
    "depth to space": Case(OP.DEPTH_TO_SPACE, (1, 2, 3, 8), (1, 4, 6, 2), (),
                           fields(schema.DepthToSpaceOptionsT, blockSize=2)),
    "space to batch": Case(OP.SPACE_TO_BATCH_ND, (1, 4, 6, 1), (4, 2, 3, 1),
                           (ints(2, 2), constant([[0, 0], [0, 0]], np.int32))),
    "batch to space": Case(OP.BATCH_TO_SPACE_ND, (4, 2, 3, 1), (1, 4, 6, 1),
                           (ints(2, 2), constant([[0, 0], [0, 0]], np.int32))),
    "nearest": Case(OP.RESIZE_NEAREST_NEIGHBOR, (1, 3, 4, 2), (1, 5, 9, 2), (ints(5, 9),),
                    fields(schema.ResizeNearestNeighborOptionsT, halfPixelCenters=True)),
    "bilinear": Case(OP.RESIZE_BILINEAR, (1, 3, 4, 2), (1, 5, 9, 2), (ints(5, 9),),
                     fields(schema.ResizeBilinearOptionsT, halfPixelCenters=True)),
    "bilinear with corners": Case(OP.RESIZE_BILINEAR, (1, 3, 4, 2), (1, 5, 9, 2), (ints(5, 9),),
                                  fields(schema.ResizeBilinearOptionsT, alignCorners=True)),
}  # fmt: skip
UNKNOWN_TO_LITERT = {("broadcast", "int16"), ("tile", "int16"), ("mirror", "int16"),
                     ("symmetric mirror", "int16"), ("space to depth", "int16"),
                     ("depth to space", "int16"), ("space to batch", "int16"),
                     ("batch to space", "int16"), ("reverse", "int8")}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "int8", "int16"])
@pytest.mark.parametrize("name", CASES)
def test_a_moving_operator_is_litert(name: str, dtype: str) -> None:
    if (name, dtype) in UNKNOWN_TO_LITERT:
        pytest.skip("LiteRT lacks this type")
    case = CASES[name]
    quantized: dict[str, Any] = {}
    if dtype != "float32":
        quantized = {"scale": (0.05,), "zero_point": (0 if dtype == "int16" else -7,)}
    x = TensorDef(case.shape, dtype, **quantized)
    inputs = [*case.constants, x] if case.last else [x, *case.constants]
    outputs = [TensorDef(case.output, dtype, **quantized) for _ in range(case.outputs)]
    model = single_op_model(case.code, case.options, inputs, outputs, version=case.version)
    assert_same(model, [random_array(case.shape, dtype, np.random.default_rng(0))])


@pytest.mark.parametrize("axis", [0, -1])
def test_concatenation_and_pack_are_litert(axis: int) -> None:
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=(2, 3)).astype(np.float32) for _ in range(3)]
    tensors = [TensorDef((2, 3))] * 3
    joined = (6, 3) if axis == 0 else (2, 9)
    options = fields(schema.ConcatenationOptionsT, axis=axis)
    assert_same(single_op_model(OP.CONCATENATION, options, tensors, [TensorDef(joined)]), arrays)
    stacked = (3, 2, 3) if axis == 0 else (2, 3, 3)
    options = fields(schema.PackOptionsT, axis=axis, valuesCount=3)
    assert_same(single_op_model(OP.PACK, options, tensors, [TensorDef(stacked)]), arrays)


def test_concatenation_brings_other_grids_to_its_own() -> None:
    grids = [(0.05, 3), (0.02, 128), (0.05, 3)]
    a, b, y = (TensorDef((1, 256), np.uint8, None, (s,), (z,)) for s, z in grids)
    out = TensorDef((2, 256), np.uint8, None, y.scale, y.zero_point)
    options = fields(schema.ConcatenationOptionsT, axis=0)
    every = np.arange(256, dtype=np.uint8).reshape(1, -1)
    assert_same(single_op_model(OP.CONCATENATION, options, [a, b], [out]), [every, every])


def test_split_v_is_litert() -> None:
    options = fields(schema.SplitVOptionsT, numSplits=3)
    inputs = [TensorDef((2, 7)), ints(2, -1, 1), constant(1, np.int32)]
    outputs = [TensorDef((2, width)) for width in (2, 4, 1)]
    x = np.random.default_rng(2).normal(size=(2, 7)).astype(np.float32)
    assert_same(single_op_model(OP.SPLIT_V, options, inputs, outputs), [x])
