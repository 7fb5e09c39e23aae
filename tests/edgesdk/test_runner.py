"""Running model files on arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgesdk
from edgesdk import sessions
from edgesdk_runtimes import RUNTIMES
from edgesdk_runtimes.base import TensorSpec
from edgesdk_runtimes.errors import InputError, RuntimeMissingError
from edgesdk_runtimes.null import encode
from tests.runtimes import small_onnx

FLOAT = np.dtype(np.float32)


def test_one_array_in_one_array_out() -> None:
    with edgesdk.Runner(small_onnx.scaled()) as runner:
        assert runner.runtime == "onnxruntime"
        x = np.array([[1, 2, 3]], np.float32)
        np.testing.assert_array_equal(runner(x), 2 * x)


def test_several_arrays_come_by_order_or_by_name() -> None:
    runner = edgesdk.Runner(small_onnx.added())
    a, b = np.array([[5, 6]], np.float32), np.array([[1, 2]], np.float32)
    for total, difference in (runner(a, b), runner({"b": b, "a": a})):
        np.testing.assert_array_equal(total, a + b)
        np.testing.assert_array_equal(difference, a - b)


def test_a_name_that_is_no_input_is_told() -> None:
    with pytest.raises(InputError, match=r"given for \['a', 'c'\]; the inputs are \['a', 'b'\]"):
        edgesdk.Runner(small_onnx.added())({"a": np.zeros(2), "c": np.zeros(2)})


@given(batch=st.integers(1, 4), samples=st.integers(1, 9))
def test_any_number_of_samples_runs_on_a_fixed_batch(batch: int, samples: int) -> None:
    runner = edgesdk.Runner(small_onnx.scaled(batch))
    x = np.random.default_rng(samples).normal(size=(samples, 3)).astype(np.float32)
    np.testing.assert_array_equal(runner(x), 2 * x)


def test_no_sample_is_a_misfit() -> None:
    with pytest.raises(InputError, match=r"shape \[0, 3\]"):
        edgesdk.Runner(small_onnx.scaled())(np.zeros((0, 3), np.float32))


def test_a_wrong_dtype_is_told_for_batches_too() -> None:
    with pytest.raises(InputError, match="float64"):
        edgesdk.Runner(small_onnx.scaled())(np.zeros((4, 3)))


def test_an_output_without_a_batch_cannot_be_put_together() -> None:
    model = encode([TensorSpec("x", (1, 2), FLOAT)], [TensorSpec("sum", (), FLOAT)])
    with pytest.raises(InputError, match=r"3 samples .* 'sum' float32 \[\]"):
        edgesdk.Runner(model)(np.zeros((3, 2), np.float32))


def test_an_unknown_runtime_lists_those_there_are() -> None:
    with pytest.raises(InputError, match=r"no runtime 'tpu'.*auto, null, onnxruntime, litert"):
        edgesdk.Runner(small_onnx.scaled(), "tpu")


def test_a_runtime_that_does_not_open_the_kind_names_those_that_do() -> None:
    with pytest.raises(InputError, match=r"'null' opens \.spec. Choose one of: onnxruntime"):
        edgesdk.Runner(small_onnx.scaled(), "null")


@pytest.mark.parametrize("threads", [0, 65])
def test_threads_are_bounded(threads: int) -> None:
    with pytest.raises(InputError, match=f"threads={threads} was given; it must be 1 to 64"):
        edgesdk.Runner(small_onnx.scaled(), threads=threads)


def missing(*_: object, **__: object) -> None:
    raise RuntimeMissingError("It is not here.")


def test_auto_falls_back_with_a_sentence(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RUNTIMES["native"], "open", missing)
    with pytest.warns(UserWarning, match="on litert. native: It is not here."):
        runner = edgesdk.Runner(shared_data / "tflite" / "dscnn_int8.tflite")
    assert runner.runtime == "litert"


def test_auto_names_every_reason_when_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "PREFERRED", {"spec": ("null", "null")})
    monkeypatch.setattr(RUNTIMES["null"], "open", missing)
    with pytest.raises(RuntimeMissingError, match=r"No runtime here runs <bytes>\. null: .* null:"):
        edgesdk.Runner(encode([], []))
