"""The int16 operators give the bits of the golden files, element for element."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgesdk_runtimes.base import Array
from tests.native.running import native

pytestmark = pytest.mark.native

# How many models of each operator the folder holds.
GOLDENS = {
    "add": 17,
    "conv": 22,
    "leaky_relu": 23,
    "pad": 19,
    "quantize": 2,
    "strided_slice": 34,
    "sub": 5,
    "transpose_conv": 5,
}


def table(path: Path) -> Array:
    """A CSV file of integers; the name ends with their type."""
    return np.loadtxt(path, np.int64, delimiter=",").reshape(-1).astype(path.stem.split("_")[-1])


def inputs(model: Path) -> list[Array]:
    return [table(path) for path in sorted(model.parent.glob(f"{model.stem}_input*.csv"))]


def fit(arrays: list[Array], model: bytes) -> list[Array]:
    """The CSV files are flat; the model knows its shapes."""
    details = Interpreter(model_content=model, num_threads=1).get_input_details()
    return [a.reshape(d["shape"]) for a, d in zip(arrays, details, strict=True)]


@pytest.mark.parametrize("operator", GOLDENS)
def test_int16_operators_equal_the_golden_files(operator: str, shared_data: Path) -> None:
    models = sorted((shared_data / "int16-goldens" / "seanet" / operator).glob("*.tflite"))
    wrong = []
    for model in models:
        (golden,) = model.parent.glob(f"{model.stem}_golden_*.csv")
        data = model.read_bytes()
        (result,) = native(data, fit(inputs(model), data))
        if not np.array_equal(result.reshape(-1), table(golden)):
            wrong.append(model.stem)
    assert len(models) == GOLDENS[operator]
    assert not wrong
