"""All candidates behind the float model's border."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk.verification.border import like_reference
from edgesdk_runtimes.base import TensorSpec
from edgesdk_runtimes.errors import ModelError
from tests.edgesdk.echo import Echo

FLOAT = np.dtype(np.float32)
REFERENCE = Echo(TensorSpec("image", (None, 3, 8, 9), FLOAT))


def test_the_layout_is_found_by_the_shapes() -> None:
    echo = Echo(TensorSpec("x", (1, 8, 9, 3), FLOAT))
    session = like_reference(echo, REFERENCE, {})
    assert session.inputs[0].shape == (1, 3, 8, 9)
    x = np.arange(216, dtype=np.float32).reshape(1, 3, 8, 9)
    np.testing.assert_array_equal(session.run([x])[0], x)


def test_metadata_goes_before_the_shapes() -> None:
    echo = Echo(TensorSpec("x", (1, 3, 3, 3), FLOAT))
    square = Echo(TensorSpec("image", (1, 3, 3, 3), FLOAT))
    session = like_reference(echo, square, {"x": (0, 2, 3, 1)})
    x = np.arange(27, dtype=np.float32).reshape(1, 3, 3, 3)
    session.run([x])
    np.testing.assert_array_equal(echo.received, x.transpose(0, 2, 3, 1))


def test_integers_are_shown_as_reals() -> None:
    echo = Echo(TensorSpec("x", (1, 3, 8, 9), np.dtype(np.int8), 0.5, 0))
    assert like_reference(echo, REFERENCE, {}).inputs[0].dtype == FLOAT


@pytest.mark.parametrize("shape", [(1, 3, 8), (1, 3, 9, 8), (1, 4, 8, 9)])
def test_another_model_is_refused_with_both_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"'x' float32 .* is not the float model's 'image'"):
        like_reference(Echo(TensorSpec("x", shape, FLOAT)), REFERENCE, {})
