"""The runtime that computes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_runtimes.base import TensorSpec
from edgesdk_runtimes.errors import InputError, ModelError
from edgesdk_runtimes.null import NullRuntime, encode

INPUT = TensorSpec("x", (None, 4), np.dtype(np.int8), 0.5, 3)
OUTPUT = TensorSpec("y", (None, 2), np.dtype(np.float32))


def test_declarations_survive_the_file() -> None:
    session = NullRuntime().open(encode([INPUT], [OUTPUT]))
    assert session.inputs == (INPUT,)
    assert session.outputs == (OUTPUT,)


def test_zeros_have_the_batch_of_the_input() -> None:
    session = NullRuntime().open(encode([INPUT], [OUTPUT]))
    (out,) = session.run([np.ones((5, 4), np.int8)])
    assert out.shape == (5, 2)
    assert out.dtype == np.float32
    assert not out.any()


def test_an_array_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="'x' int8"):
        NullRuntime().open(encode([INPUT], [OUTPUT])).run([np.ones((5, 4), np.float32)])


@pytest.mark.parametrize("model", [b"", b"{", b"[]", b'{"inputs": 3, "outputs": []}'])
def test_bytes_that_declare_nothing_are_a_model_error(model: bytes) -> None:
    with pytest.raises(ModelError, match="JSON"):
        NullRuntime().open(model)


def test_it_is_always_available() -> None:
    assert NullRuntime().probe().available
