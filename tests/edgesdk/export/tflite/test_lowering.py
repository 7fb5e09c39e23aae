"""The walk over a graph: refusals, layouts, metadata, and real files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from edgesdk.capture import capture
from edgesdk.export.tflite import lower
from edgesdk_quant.graph import value_shape
from edgesdk_runtimes.errors import EdgeError, UnsupportedError
from tests.edgesdk.export.judged import RUN_BY, codes, judge, judge_model, run_on
from tests.quant.graph.written import model, random


def test_all_refused_nodes_are_named_at_once_and_nothing_that_only_follows() -> None:
    text = """agraph (float[2,3] x) => (float[2,3] y) {
        a = RandomNormalLike(x) b = Neg(a) c = RandomNormalLike(b) d = RandomUniformLike(x)
        e = Add(c, d) y = Relu(e)
    }"""
    with pytest.raises(UnsupportedError) as caught:
        lower(capture(model(text)))
    message = str(caught.value)
    assert message.startswith("TFLite cannot take 2 of the model's nodes: ")
    assert re.findall(r"(\w+) \(", message) == ["RandomNormalLike", "RandomUniformLike"]
    assert message.endswith("keep the .onnx artifact for this model, or rewrite these operators")


def test_of_many_refused_nodes_the_first_are_named_and_the_rest_counted() -> None:
    steps = " ".join(f"a{i} = RandomNormalLike(x)" for i in range(9))
    outputs = ", ".join(f"float[2] {name}" for name in (*(f"a{i}" for i in range(9)), "b"))
    text = f"agraph (float[2] x) => ({outputs}) {{ {steps} b = RandomUniformLike(x) }}"
    with pytest.raises(UnsupportedError) as caught:
        lower(capture(model(text)))
    assert "TFLite cannot take 10 of the model's nodes" in str(caught.value)
    assert "and 5 more (4 RandomNormalLike, 1 RandomUniformLike); " in str(caught.value)
    assert len(caught.value.needs) == 10


def test_input_types_that_tflite_lacks_are_named() -> None:
    text = "agraph (double[2,3] x) => (double[2,3] y) { y = Relu(x) }"
    with pytest.raises(UnsupportedError, match="input x has the type DOUBLE; use a 32-bit type"):
        lower(capture(model(text)))


def test_tensors_without_elements_are_named() -> None:
    text = "agraph (float[2,0] x) => (float[2,0] y) { y = Relu(x) }"
    with pytest.raises(UnsupportedError, match=r"input x has the shape \(2, 0\) and holds nothing"):
        lower(capture(model(text)))


def test_an_open_batch_becomes_one_and_the_graph_is_left_alone() -> None:
    graph = capture(model("agraph (float[N,3] x) => (float[N,3] y) { y = Erf(x) }"))
    lowered = lower(graph)
    main = lowered.subgraphs[0]
    assert main.tensors[main.inputs[0]].shape == (1, 3)
    assert value_shape(graph.graph.inputs[0]) == (None, 3)
    assert [node.op_type for node in graph.graph] == ["Erf"]


def test_images_are_turned_once_and_the_metadata_says_how() -> None:
    text = """(float[1,3,6,6] image, float[2,5] row) => (float[1,4,4,4] y, float[2,5] z) {
        y = Conv(image, w) z = Relu(row)
    }"""
    lowered = judge(text, w=random(4, 3, 3, 3))
    layout = {e["name"]: e["permutation"] for e in json.loads(lowered.metadata["edgesdk.layout"])}
    nhwc, plain = [0, 2, 3, 1], [0, 1]
    assert layout == {"image": nhwc, "row": plain, "y": nhwc, "z": plain}
    assert "TRANSPOSE" not in codes(lowered)


def test_an_output_may_be_an_input_or_a_constant() -> None:
    text = """(float[2,3] x) => (float[2,3] y, float[2,3] z, float[2] c) {
        z = Neg(x) y = Identity(x) c = Identity(k)
    }"""
    judge(text, k=np.array([1, 2], np.float32))


def test_doubles_inside_are_computed_in_floats() -> None:
    text = """(float[2,3] x) => (float[2,3] y) {
        d = Cast <to=11> (x) m = Mul(d, k) y = Cast <to=1> (m)
    }"""
    judge(text, k=np.array([3.0]))


@pytest.mark.filterwarnings("ignore:The model leaves its batch open")
@pytest.mark.parametrize("folder", ["onnx", "mlperf-tiny/onnx", "detect"])
def test_real_files_give_the_results_of_onnx_runtime(shared_data: Path, folder: str) -> None:
    for path in sorted((shared_data / folder).glob("*.onnx")):
        graph = capture(path)
        shapes = [
            [d if isinstance(d, int) else 1 for d in v.shape or ()] for v in graph.graph.inputs
        ]
        names = [str(value.name) for value in graph.graph.inputs]
        uniform = np.random.default_rng(0).uniform
        feeds = {
            name: uniform(0, 1, shape).astype(np.float32)
            for name, shape in zip(names, shapes, strict=True)
        }
        judge_model(graph, feeds, tolerance=1e-4)


def test_refused_files_get_one_sentence(shared_data: Path) -> None:
    files = sorted((shared_data / "onnx" / "refused").glob("*.onnx"))
    assert files
    for path in files:
        with pytest.raises(EdgeError) as caught:
            lower(capture(path))
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_quantized_results_are_the_same_on_all_runtimes() -> None:
    text = """agraph (float[1,3,8,8] x) => (float[1,4,6,6] y) {
        q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z)
        w = DequantizeLinear <axis=0> (k, ks, kz)
        c = Conv(d, w) r = Relu(c) o = QuantizeLinear(r, s, z) y = DequantizeLinear(o, s, z)
    }"""
    weights = {
        "s": np.array(0.03, np.float32),
        "z": np.array(128, np.uint8),
        "k": np.random.default_rng(0).integers(-127, 128, (4, 3, 3, 3)).astype(np.int8),
        "ks": np.array([0.01, 0.02, 0.005, 0.01], np.float32),
        "kz": np.zeros(4, np.int8),
    }
    lowered = lower(capture(model(text, **weights)))
    assert codes(lowered) == ["QUANTIZE", "CONV_2D", "DEQUANTIZE"]
    results = [run_on(runtime, lowered, [random(1, 3, 8, 8)])[0] for runtime in RUN_BY]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_an_output_that_is_no_image_has_the_order_of_the_source() -> None:
    text = """agraph (float[1,6,2,3] x) => (float[1,2,6,3] y) {
        q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) t = Transpose <perm=[0,2,1,3]> (d)
        o = QuantizeLinear(t, s, z) y = DequantizeLinear(o, s, z)
    }"""
    scale = {"s": np.array(0.03, np.float32), "z": np.array(128, np.uint8)}
    lowered = lower(capture(model(text, **scale)))
    (output,) = lowered.subgraphs[0].outputs
    assert lowered.subgraphs[0].tensors[output].shape == (1, 2, 6, 3)
