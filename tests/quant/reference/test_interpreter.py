"""The numpy interpreter as a whole: what it lists, names and refuses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgesdk_quant.reference import Interpreter, ReferenceRuntime
from edgesdk_quant.tflite.reader import read_model
from edgesdk_runtimes.errors import InputError, ModelError, UnsupportedError
from tests.native import model_builder
from tests.native.running import litert


def test_every_tensor_of_a_run_can_be_seen() -> None:
    model = model_builder.pack(model_builder.convolution())
    x = np.random.default_rng(0).integers(-128, 128, (1, 4, 4, 2)).astype(np.int8)
    interpreter = Interpreter(read_model(model))
    tensors = interpreter.tensors([x])
    assert {"x", "maps", "sums", "y"} <= set(tensors)
    np.testing.assert_array_equal(tensors["x"], x)
    np.testing.assert_array_equal(tensors["y"], litert(model, [x])[0])


def test_missing_operators_are_all_named_at_once() -> None:
    model = read_model(model_builder.pack(model_builder.convolution()))
    graph = model.subgraphs[0]
    strange = [
        dataclasses.replace(operator, code=code)
        for operator, code in zip(graph.operators[:2], ("CUSTOM:Foo", "BAR"), strict=True)
    ]
    changed = dataclasses.replace(graph, operators=(*strange, *graph.operators[2:]))
    with pytest.raises(UnsupportedError, match="lacks BAR, CUSTOM:Foo"):
        Interpreter(dataclasses.replace(model, subgraphs=(changed,)))


def test_values_that_cannot_be_computed_name_the_operator() -> None:
    model = read_model(model_builder.pack(model_builder.convolution()))
    with pytest.raises(ModelError, match=r"CONV_2D \(operator 0 of subgraph 0, output 'maps'\)"):
        Interpreter(model).run([np.zeros((1, 4, 4), np.int8)])


def test_the_runtime_checks_what_it_is_given() -> None:
    session = ReferenceRuntime().open(model_builder.pack(model_builder.convolution()))
    assert session.inputs[0].shape == (1, 4, 4, 2)
    assert session.outputs[0].dtype == np.int8
    with pytest.raises(InputError):
        session.run([np.zeros((1, 4, 4, 2), np.float32)])


def test_looking_at_tensors_leaves_the_state_alone() -> None:
    session = ReferenceRuntime().open(model_builder.pack(model_builder.counter()))
    x = np.ones((1, 4), np.float32)
    session.run([x])
    assert session.tensors()["y"][0, 0] == 11
    assert session.run([x])[0][0, 0] == 12
    session.reset()
    assert session.run([x])[0][0, 0] == 11
