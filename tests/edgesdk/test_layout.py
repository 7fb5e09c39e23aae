"""The order of dimensions between a file and its source model."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk.layout import KEY, SourceLayoutSession, inverse, parse_layout
from edgesdk_runtimes.base import TensorSpec
from edgesdk_runtimes.errors import InputError, ModelError
from tests.edgesdk.echo import Echo

NHWC = (0, 2, 3, 1)


@given(st.permutations(range(5)))
def test_the_inverse_undoes_a_permutation(permutation: list[int]) -> None:
    array = np.empty((2, 3, 5, 7, 11))
    there = array.transpose(permutation)
    assert there.transpose(inverse(tuple(permutation))).shape == array.shape


def test_metadata_gives_the_permutation_of_each_tensor() -> None:
    entry = json.dumps([{"name": "x", "permutation": [0, 2, 3, 1]}]).encode()
    assert parse_layout({KEY: entry}) == {"x": NHWC}
    assert parse_layout({}) == {}


@pytest.mark.parametrize(
    "entry", [b"", b"{}}", b'[{"name": "x"}]', b'[{"name": "x", "permutation": [0, 0]}]', b"3"]
)
def test_malformed_metadata_is_a_model_error(entry: bytes) -> None:
    with pytest.raises(ModelError, match=r"edgesdk\.layout"):
        parse_layout({KEY: entry})


def test_arrays_go_in_and_out_in_the_source_layout() -> None:
    echo = Echo(TensorSpec("x", (1, 5, 7, 3), np.dtype(np.float32)))
    session = SourceLayoutSession(echo, {"x": NHWC})
    assert session.inputs[0].shape == session.outputs[0].shape == (1, 3, 5, 7)
    x = np.arange(105, dtype=np.float32).reshape(1, 3, 5, 7)
    np.testing.assert_array_equal(session.run([x])[0], x)
    assert echo.received.shape == (1, 5, 7, 3)


def test_a_misfit_is_told_in_the_source_layout() -> None:
    echo = Echo(TensorSpec("x", (1, 5, 7, 3), np.dtype(np.float32)))
    with pytest.raises(InputError, match=r"\[1, 3, 5, 7\] was given .* \[1, 5, 7, 3\]"):
        SourceLayoutSession(echo, {"x": NHWC}).run([np.zeros((1, 5, 7, 3), np.float32)])
