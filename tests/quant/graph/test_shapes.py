"""Every value gets a type and a shape; the batch stays symbolic."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import onnx_ir as ir
import pytest

from edgesdk_quant.graph import from_proto, value_shape
from edgesdk_quant.graph.shapes import infer_shapes
from edgesdk_runtimes.errors import ModelError
from tests.quant.graph.written import model, random


def test_the_batch_stays_open() -> None:
    text = "agraph (float[N,4,8,8] x) => (float[N,A,B,C] y) { c = Conv(x, w) y = Relu(c) }"
    graph = model(text, w=random(6, 4, 3, 3))
    infer_shapes(graph)
    assert [value_shape(node.outputs[0]) for node in graph.graph] == [(None, 6, 6, 6)] * 2


def test_shape_arithmetic_with_an_open_batch_is_followed() -> None:
    text = """agraph (float[N,3,4] x) => (float[A,B] y) {
        s = Shape(x) f = Gather(s, first) t = Concat <axis=0> (f, rest) y = Reshape(x, t)
    }"""
    graph = model(text, first=np.array([0]), rest=np.array([12]))
    infer_shapes(graph)
    assert value_shape(graph.graph.outputs[0]) == (None, 12)


def test_a_contradiction_is_refused() -> None:
    proto = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 21]>'
        "agraph (float[2,3] x, float[4,5] w) => (float[2,5] y) { y = MatMul(x, w) }"
    )
    with pytest.raises(ModelError, match=r"contradict each other .*export it again"):
        infer_shapes(from_proto(proto))


def test_a_wrong_declared_output_shape_is_corrected() -> None:
    text = "agraph (float[2,3] x) => (float[7,7] y) { y = Relu(x) }"
    graph = model(text)
    assert value_shape(graph.graph.outputs[0]) == (2, 3)


def test_a_weight_has_the_type_of_its_data_where_a_file_says_none() -> None:
    built = model(
        "agraph (float[1,6] x) => (float[1,4] y) { y = Gemm<transB=1>(x, w, b) }",
        w=random(4, 6),
        b=random(4),
    )
    proto = ir.to_proto(built)
    del proto.graph.value_info[:]
    proto.graph.value_info.add().name = "w"
    silent = ir.from_proto(proto)
    infer_shapes(silent)
    weight = silent.graph.initializers["w"]
    assert weight.dtype == ir.DataType.FLOAT
    assert list(weight.shape or []) == [4, 6]


def test_a_group_normalization_keeps_its_operands_shape() -> None:
    text = """agraph (float[N,4,8] x) => (float[N,A,B] y) {
        g = GroupNormalization<num_groups=2>(x, w, b) y = Relu(g)
    }"""
    graph = model(text, w=random(4), b=random(4))
    assert [value_shape(node.outputs[0]) for node in graph.graph] == [(None, 4, 8)] * 2


def test_a_big_weight_that_a_gather_reads_needs_no_data() -> None:
    text = "agraph (float[1,4000] x) => (float[A,B] y) { y = Reshape(x, shape) g = Gather(w, i) }"
    weight = np.arange(4000, dtype=np.int64)
    graph = model(text, shape=np.array([2, 2000]), w=weight, i=np.array([1, 2]))
    infer_shapes(graph)
    assert [value_shape(node.outputs[0]) for node in graph.graph] == [(2, 2000), (2,)]
