"""Input declarations: every accepted form, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgesdk.spec import ATTRIBUTE, InputSpec, input_specs, model
from edgesdk_runtimes.errors import InputError


def test_every_form_becomes_a_spec_in_the_given_order() -> None:
    specs = input_specs(
        {"b": (None, 4), "a": [2, 3], "c": np.zeros((5, 6), np.int64), "d": InputSpec((1,), "int8")}
    )
    assert list(specs) == ["b", "a", "c", "d"]
    assert specs["b"] == InputSpec((None, 4), "float32")
    assert specs["a"] == InputSpec((2, 3))
    assert specs["c"] == InputSpec((None, 6), "int64")
    assert specs["d"] == InputSpec((1,), "int8")


@pytest.mark.parametrize(
    "given", [(None, None), (None, 0), (2, -1), (2.5,), "x", 3, InputSpec((2,), "float99")]
)
def test_a_wrong_form_is_named_with_what_is_allowed(given: Any) -> None:
    with pytest.raises(InputError, match=r"input 'x' is declared as"):
        input_specs({"x": given})


@pytest.mark.parametrize("inputs", [{}, None, [1, 2]])
def test_inputs_must_be_a_mapping(inputs: Any) -> None:
    with pytest.raises(InputError, match="non-empty mapping"):
        input_specs(inputs)


def test_the_decorator_returns_the_class_itself() -> None:
    class Plain:
        pass

    declared = model(inputs={"x": (None, 4)})(Plain)
    assert declared is Plain
    assert getattr(Plain, ATTRIBUTE) == {"x": InputSpec((None, 4))}
