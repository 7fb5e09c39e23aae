"""The LSTM of the numpy interpreter has LiteRT's bits, its state from run to run too."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_quant.reference import Interpreter
from edgesdk_quant.tflite.reader import read_model
from tests.native.running import litert, random_array
from tests.native.test_int4_and_state import lstm_model


@pytest.mark.parametrize("seed", range(5))
def test_the_integer_lstm_is_litert(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = lstm_model(rng, 12, 9, 7)
    sequence = random_array((1, 12, 9), "int8", rng)
    (ours,) = Interpreter(read_model(model)).run([sequence])
    np.testing.assert_array_equal(ours, litert(model, [sequence])[0])


def test_the_cell_lives_on_between_runs() -> None:
    rng = np.random.default_rng(9)
    model = lstm_model(rng, 6, 5, 4)
    sequence = random_array((1, 6, 5), "int8", rng)
    interpreter = Interpreter(read_model(model))
    first, second = interpreter.run([sequence])[0], interpreter.run([sequence])[0]
    assert not np.array_equal(first, second)
