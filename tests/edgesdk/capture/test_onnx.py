"""ONNX in any form is captured alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from edgesdk.capture import capture
from edgesdk_quant.graph import load, to_bytes, value_shape
from edgesdk_runtimes.errors import InputError
from tests.quant.graph.written import model, ops, random, run

TEXT = "agraph (float[N,3] x) => (float[N,4] y) { y = MatMul(x, w) }"
OPEN = "agraph (float[N,C,H,W] x) => (float[N,C,H,W] y) { y = Relu(x) }"


def test_a_path_bytes_proto_and_graph_give_the_same(tmp_path: Path) -> None:
    source = model(TEXT, w=random(3, 4))
    data = to_bytes(source)
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    forms = (path, str(path), data, onnx.load_model_from_string(data), source)
    assert len({to_bytes(capture(form)) for form in forms}) == 1


def test_another_type_is_refused() -> None:
    with pytest.raises(InputError, match=r"type int was given; give a torch nn\.Module"):
        capture(3)


def test_open_sizes_are_asked_for() -> None:
    with pytest.raises(InputError, match=r"'x' .*'C', 'H', 'W'.*inputs="):
        capture(model(OPEN))


def test_the_advice_keeps_names_ranks_and_known_sizes() -> None:
    text = "agraph (float[N,T] a, float[2,batch,8] b) => (float[N,T] y) { c = Neg(b) y = Relu(a) }"
    with pytest.raises(InputError, match=r"--inputs a=1x128 b=2x1x8 on"):
        capture(model(text))


def test_open_sizes_can_be_fixed() -> None:
    graph = capture(model(OPEN), inputs={"x": (None, 3, 8, 8)})
    assert value_shape(graph.graph.inputs[0]) == (None, 3, 8, 8)
    assert value_shape(graph.graph.outputs[0]) == (None, 3, 8, 8)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"z": (None, 3)}, r"no input 'z'.*\['x'\]"),
        ({"x": (None, 5)}, "fits"),
        ({"x": (3,)}, "fits"),
    ],
)
def test_inputs_that_contradict_the_file_are_refused(
    inputs: dict[str, tuple[int | None, ...]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        capture(model(TEXT, w=random(3, 4)), inputs=inputs)


def test_shape_arithmetic_that_needs_the_batch_gets_a_batch_of_one() -> None:
    text = """agraph (float[N,3] x) => (float[N,A,B] y) {
        s = Shape(x) f = Cast <to=1> (s) g = Gather(f, zero) c = Cast <to=7> (g)
        t = Concat <axis=0> (c, rest) e = Tile(w, t) u = Unsqueeze(x, axes) y = Mul(u, e)
    }"""
    weights = {
        "zero": np.array([0]),
        "rest": np.array([2, 1]),
        "w": random(1, 1, 3),
        "axes": np.array([1]),
    }
    source = model(text, **weights)
    with pytest.warns(UserWarning, match=r"captured for a batch of 1\. Give inputs="):
        graph = capture(source)
    assert value_shape(graph.graph.inputs[0]) == (1, 3)
    assert ops(graph) == {"Unsqueeze": 1, "Mul": 1}
    feeds = {"x": random(1, 3)}
    np.testing.assert_array_equal(run(graph, feeds)[0], run(source, feeds)[0])


def test_a_batch_that_all_shapes_follow_stays_open_without_a_word() -> None:
    graph = capture(model(TEXT, w=random(3, 4)))  # a warning would be an error here
    assert value_shape(graph.graph.outputs[0]) == (None, 4)


@pytest.mark.filterwarnings("ignore:The model leaves its batch open")
def test_all_real_files_are_captured(shared_data: Path) -> None:
    for path in sorted((shared_data / "onnx").glob("*.onnx")):
        graph = capture(path)
        for actual, expected in zip(run(graph), run(load(path)), strict=True):
            if actual.shape == expected.shape:  # the batch may have become 1
                np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)
