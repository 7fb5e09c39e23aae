"""Whether arrays fit inputs."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_runtimes.base import TensorSpec
from edgesdk_runtimes.errors import InputError
from edgesdk_runtimes.fit import check_arrays, describe

SPEC = TensorSpec("pixels", (None, 3), np.dtype(np.float32))


def test_an_open_size_takes_any_batch() -> None:
    for batch in (1, 7):
        check_arrays([SPEC], [np.zeros((batch, 3), np.float32)])


def test_a_spec_is_described_with_a_question_mark_for_an_open_size() -> None:
    assert describe(SPEC) == "'pixels' float32 [?, 3]"


def test_a_wrong_number_of_arrays_names_what_the_model_takes() -> None:
    with pytest.raises(InputError, match=r"0 arrays were given, the model takes 1: 'pixels'"):
        check_arrays([SPEC], [])


def test_a_wrong_dtype_names_input_given_and_expected() -> None:
    with pytest.raises(InputError, match=r"'pixels' float32 .* float64.*astype\(np.float32\)"):
        check_arrays([SPEC], [np.zeros((1, 3))])


@pytest.mark.parametrize("shape", [(1, 4), (3,), (1, 1, 3)])
def test_a_wrong_shape_names_input_given_and_expected(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"'pixels' float32 \[\?, 3\] .* shape \[") as caught:
        check_arrays([SPEC], [np.zeros(shape, np.float32)])
    assert str(list(shape)) in str(caught.value)
