"""Variables, branches and loops of the numpy interpreter go as LiteRT's do."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter as LiteRt

from edgesdk_quant.reference import Interpreter
from edgesdk_quant.reference.state import State
from edgesdk_quant.tflite.reader import read_model
from edgesdk_runtimes.base import Array
from tests.native import model_builder


def _litert(model: bytes, frames: list[list[Array]]) -> list[list[Array]]:
    interpreter = LiteRt(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    results = []
    for frame in frames:
        for detail, array in zip(interpreter.get_input_details(), frame, strict=True):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        details = interpreter.get_output_details()
        results.append([np.array(interpreter.get_tensor(d["index"])) for d in details])
    return results


FRAMES: dict[str, list[list[Array]]] = {
    "counter": [[np.full((1, 4), value, np.float32)] for value in (1, 2, 3)],
    "branch": [[np.array(flag), np.array([2, 3], np.float32)] for flag in (True, False, True)],
    "loop": [[np.array([i], np.int32), np.array([1, 2, 3], np.float32)] for i in (0, 3, 5, 9)],
}


@pytest.mark.parametrize("name", FRAMES)
def test_state_and_control_flow_are_litert_from_run_to_run(name: str) -> None:
    model = model_builder.pack(model_builder.MODELS[name]())
    interpreter = Interpreter(read_model(model))
    for frame, theirs in zip(FRAMES[name], _litert(model, FRAMES[name]), strict=True):
        for ours, other in zip(interpreter.run(frame), theirs, strict=True):
            np.testing.assert_array_equal(ours, other)


def test_a_fresh_state_starts_anew() -> None:
    interpreter = Interpreter(read_model(model_builder.pack(model_builder.counter())))
    x = np.ones((1, 4), np.float32)
    first = interpreter.run([x])[0]
    assert not np.array_equal(interpreter.run([x])[0], first)
    interpreter.state = State()
    np.testing.assert_array_equal(interpreter.run([x])[0], first)
