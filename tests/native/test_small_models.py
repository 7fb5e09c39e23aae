"""State, branches and loops: the native library does what LiteRT does, run after run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgesdk_runtimes.base import Array
from edgesdk_runtimes.native import NativeRuntime
from tests.native import model_builder
from tests.native.running import random_array

pytestmark = pytest.mark.native

DATA = Path(__file__).resolve().parents[2] / "native" / "tests" / "data"
RUNS = 5


@pytest.mark.parametrize("name", model_builder.MODELS)
def test_the_stored_file_is_what_the_builder_writes(name: str) -> None:
    written = model_builder.pack(model_builder.MODELS[name]())
    assert (DATA / f"{name}.tflite").read_bytes() == written


@pytest.mark.parametrize("name", model_builder.MODELS)
def test_each_invocation_agrees_with_litert(runtime: NativeRuntime, name: str) -> None:
    model = model_builder.pack(model_builder.MODELS[name]())
    ours = runtime.open(model)
    theirs = Interpreter(model_content=model, num_threads=1)
    theirs.allocate_tensors()
    details = theirs.get_input_details()
    rng = np.random.default_rng(3)
    for _ in range(RUNS):
        arrays = [_input(detail, rng) for detail in details]
        for detail, array in zip(details, arrays, strict=True):
            theirs.set_tensor(detail["index"], array)
        theirs.invoke()
        for mine, detail in zip(ours.run(arrays), theirs.get_output_details(), strict=True):
            np.testing.assert_array_equal(mine, theirs.get_tensor(detail["index"]))


def _input(detail: dict[str, object], rng: np.random.Generator) -> Array:
    if detail["dtype"] is np.bool_:
        return np.array(rng.integers(2), np.bool_)
    return random_array(detail["shape"], detail["dtype"], rng)
