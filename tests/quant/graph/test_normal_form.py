"""Real models reach the normal form with the results that they had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from edgesdk_quant.graph import is_quantized, load, normalize, to_bytes, value_shape
from edgesdk_runtimes.errors import ModelError
from tests.quant.graph.written import model, ops, random, run

FOLDERS = ("onnx", "mlperf-tiny/onnx", "detect")


def check_normal(graph: ir.Model) -> None:
    onnx.checker.check_model(to_bytes(graph), full_check=True)
    nodes = list(graph.graph.all_nodes())
    names = [node.name for node in nodes]
    assert all(names)
    assert len(set(names)) == len(names)
    assert graph.graph.opset_imports == {"": 21}
    assert not graph.functions
    assert not {n.op_type for n in nodes} & {"Constant", "Dropout", "BatchNormalization"}
    assert all(not node.metadata_props and not node.doc_string for node in nodes)


def test_real_files_keep_their_results(shared_data: Path) -> None:
    paths = [p for folder in FOLDERS for p in sorted((shared_data / folder).glob("*.onnx"))]
    assert paths
    for path in paths:
        graph = normalize(load(path))
        check_normal(graph)
        for actual, expected in zip(run(graph), run(load(path)), strict=True):
            assert actual.shape == expected.shape
            np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4, err_msg=path.name)


def test_the_source_is_left_unchanged() -> None:
    source = model("agraph (float[2,3] x) => (float[2,3] y) { a = Identity(x) y = Relu(a) }")
    before = to_bytes(source)
    normalize(source)
    assert to_bytes(source) == before


def test_it_is_idempotent_and_deterministic() -> None:
    text = """agraph (float[N,4,8,8] x) => (float[N,6] y) {
        c = Conv(x, w) b = BatchNormalization(c, s, s, s, s) r = Relu(b)
        y = ReduceMean <axes=[2,3], keepdims=0> (r)
    }"""
    source = model(text, 17, w=random(6, 4, 3, 3), s=np.abs(random(6)) + 0.1)
    once = normalize(source)
    check_normal(once)
    assert ops(once) == {"Conv": 1, "Relu": 1, "GlobalAveragePool": 1, "Flatten": 1}
    assert to_bytes(normalize(source)) == to_bytes(once)
    assert to_bytes(normalize(once)) == to_bytes(once)


def test_a_branch_is_kept() -> None:
    text = """agraph (float[2,3] x, bool c) => (float[2,3] y) {
        y = If (c) <
            then_branch = yes () => (float[2,3] a) { a = Relu(x) },
            else_branch = no () => (float[2,3] b) { b = Neg(x) }
        >
    }"""
    graph = normalize(model(text))
    check_normal(graph)
    assert ops(graph) == {"If": 1, "Relu": 1, "Neg": 1}


def test_a_quantized_model_stays_as_it_was_quantized() -> None:
    text = """agraph (float[2,3] x) => (float[2,4] y) {
        q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z)
        wd = DequantizeLinear <axis=1> (w, ws) m = MatMul(d, wd) a = Add(m, b)
        o = QuantizeLinear(a, s, z) y = DequantizeLinear(o, s, z)
    }"""
    weights = {
        "s": np.array(0.02, np.float32),
        "z": np.array(128, np.uint8),
        "w": np.arange(-6, 6, dtype=np.int8).reshape(3, 4),
        "ws": np.full(4, 0.1, np.float32),
        "b": random(4),
    }
    source = model(text, 17, **weights)
    graph = normalize(source)
    check_normal(graph)
    assert is_quantized(graph)
    assert ops(graph) == ops(source)
    assert graph.graph.initializers["w"].dtype == ir.DataType.INT8
    np.testing.assert_array_equal(run(graph)[0], run(source)[0])


def test_bad_weights_are_named_as_the_source_calls_them() -> None:
    text = "agraph (float[2,4] x) => (float[2,6] y) { c = MatMul(x, w) y = Add(c, b) }"
    weight = random(4, 6)
    weight[2, 2] = np.nan
    with pytest.raises(ModelError, match=r"w \(1 of 24\)"):
        normalize(model(text, w=weight, b=random(6)))


def test_shapes_are_known_but_for_the_batch() -> None:
    body = "c = Conv(x, w) y = MaxPool <kernel_shape=[2,2], strides=[2,2]> (c)"
    text = f"agraph (float[N,4,8,8] x) => (float[A,B,C,D] y) {{ {body} }}"
    graph = normalize(model(text, w=random(6, 4, 3, 3)))
    assert value_shape(graph.graph.outputs[0]) == (None, 6, 3, 3)
