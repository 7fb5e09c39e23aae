"""4-bit weights in blocks: one rule in LiteRT, native and numpy, in files that we write."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesdk_quant.reference.runtime import ReferenceRuntime
from edgesdk_quant.tflite import (
    Model,
    Operator,
    OptionValue,
    Quantization,
    Subgraph,
    Tensor,
    read_model,
)
from edgesdk_quant.tflite.writer import write_model
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import ModelError, UnsupportedError
from tests.native.running import litert, native

pytestmark = pytest.mark.native

OPTIONS: dict[str, OptionValue] = {
    "fused_activation_function": "NONE",
    "weights_format": "DEFAULT",
    "keep_num_dims": False,
    "asymmetric_quantize_inputs": False,
}
seeds = st.integers(0, 2**32 - 1)


def build(rows: int, units: int, depth: int, block: int, rng: np.random.Generator) -> Model:
    """One FULLY_CONNECTED of floats with INT4 weights in blocks."""
    scale = rng.uniform(0.001, 0.01, (units, depth // block)).astype(np.float16)
    quantization = Quantization(
        scale.astype(np.float32), np.zeros(scale.shape, np.int64), block=block
    )
    weights = rng.integers(-8, 8, (units, depth)).astype(np.int8)
    tensors = (
        Tensor("x", "FLOAT32", (rows, depth)),
        Tensor("w", "INT4", weights.shape, weights, quantization),
        Tensor("b", "FLOAT32", (units,), rng.normal(size=units).astype(np.float32)),
        Tensor("y", "FLOAT32", (rows, units)),
    )
    operator = Operator("FULLY_CONNECTED", (0, 1, 2), (3,), OPTIONS, version=12)
    return Model((Subgraph("main", tensors, (operator,), (0,), (3,)),))


def _signal(rng: np.random.Generator, *shape: int) -> Array:
    return np.asarray(rng.normal(rng.uniform(-1, 1), 1.0, shape), np.float32)


@given(seed=seeds)
@settings(deadline=None)
def test_native_and_numpy_have_the_same_bits_and_litert_is_as_near_as_floats_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, units, blocks = (int(rng.integers(1, n)) for n in (9, 60, 9))
    block = int(rng.choice([32, 64, 128]))
    model = write_model(build(rows, units, blocks * block, block, rng))
    x = _signal(rng, rows, blocks * block)
    ours = native(model, [x])[0]
    np.testing.assert_array_equal(native(model, [x], threads=3)[0], ours)
    np.testing.assert_array_equal(ReferenceRuntime().open(model).run([x])[0], ours)
    theirs = litert(model, [x])[0]
    assert np.abs(ours - theirs).max() <= 2e-6 * np.abs(theirs).max()


def test_a_file_with_blocks_is_read_as_it_was_written() -> None:
    written = build(1, 5, 64, 32, np.random.default_rng(0))
    read = read_model(write_model(written)).subgraphs[0]
    ours, theirs = written.subgraphs[0].tensors[1], read.tensors[1]
    assert ours.quantization is not None
    assert theirs.quantization is not None
    assert theirs.quantization.block == 32
    np.testing.assert_array_equal(theirs.quantization.scale, ours.quantization.scale)
    np.testing.assert_array_equal(np.asarray(theirs.data), np.asarray(ours.data))
    assert [t.name for t in read.tensors] == ["x", "w", "b", "y", "w/scales"]


def _with_block(model: Model, block: int) -> bytes:
    graph = model.subgraphs[0]
    tensor = graph.tensors[1]
    assert tensor.quantization is not None
    changed = replace(tensor, quantization=replace(tensor.quantization, block=block))
    tensors = (graph.tensors[0], changed, *graph.tensors[2:])
    return write_model(replace(model, subgraphs=(replace(graph, tensors=tensors),)))


def test_blocks_that_do_not_divide_the_depth_are_refused() -> None:
    model = _with_block(build(1, 5, 64, 32, np.random.default_rng(0)), 48)
    for refuse in (lambda: native(model, []), lambda: read_model(model)):
        with pytest.raises(ModelError, match="blocks of 48"):
            refuse()


def test_too_few_scales_are_refused() -> None:
    model = _with_block(build(1, 5, 64, 64, np.random.default_rng(0)), 32)
    for refuse in (lambda: native(model, []), lambda: read_model(model)):
        with pytest.raises(ModelError, match="5 scales for 10 blocks"):
            refuse()


def test_small_blocks_name_what_is_known() -> None:
    model = write_model(build(1, 5, 64, 16, np.random.default_rng(0)))
    with pytest.raises(UnsupportedError, match="blocks of 16; multiples of 32"):
        native(model, [])


def table(kind: str, block: int, rng: np.random.Generator) -> Model:
    """One EMBEDDING_LOOKUP in 9 rows of 70 or 64 values, with a scale a row or a block."""
    shape = (9, 64) if block else (9, 5, 14)
    scales = rng.uniform(0.001, 0.01, (9, 64 // block) if block else 9).astype(np.float16)
    scale = scales.astype(np.float32)
    quantization = Quantization(scale, np.zeros(scale.shape, np.int64), block=block)
    low, high = (-8, 8) if kind == "INT4" else (-128, 128)
    tensors = (
        Tensor("i", "INT32", (4,)),
        Tensor("w", kind, shape, rng.integers(low, high, shape).astype(np.int8), quantization),
        Tensor("y", "FLOAT32", (4, *shape[1:])),
    )
    operator = Operator("EMBEDDING_LOOKUP", (0, 1), (2,), version=4)
    return Model((Subgraph("main", tensors, (operator,), (0,), (2,)),))


@pytest.mark.parametrize(("kind", "block"), [("INT4", 0), ("INT4", 32), ("INT8", 0)])
def test_rows_of_a_table_come_out_as_floats_with_the_bits_of_litert(kind: str, block: int) -> None:
    model = write_model(table(kind, block, np.random.default_rng(0)))
    rows = np.array([8, 0, 3, 3], np.int32)
    expected = litert(model, [rows])[0]
    np.testing.assert_array_equal(native(model, [rows])[0], expected)
    np.testing.assert_array_equal(ReferenceRuntime().open(model).run([rows])[0], expected)


def test_a_row_that_is_not_there_is_refused() -> None:
    model = write_model(table("INT4", 32, np.random.default_rng(0)))
    with pytest.raises(ModelError, match=r"index 9 is outside \[0, 9\)"):
        native(model, [np.array([0, 9, 0, 0], np.int32)])
