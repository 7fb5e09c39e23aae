"""The adapter of LiteRT."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from edgesdk_runtimes import litert
from edgesdk_runtimes.errors import InputError, ModelError, RuntimeMissingError, UnsupportedError

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
single_op = pytest.importorskip("tests.native.single_op")


def relu(shape: tuple[int, ...] = (1, 4)) -> bytes:
    tensor = single_op.TensorDef(shape)
    code = schema.BuiltinOperator.RELU
    return bytes(single_op.single_op_model(code, None, [tensor], [tensor]))


def test_a_model_runs_and_declares_its_border() -> None:
    session = litert.LiteRtRuntime().open(relu())
    assert [(s.shape, s.dtype.name, s.scale) for s in session.inputs] == [((1, 4), "float32", None)]
    x = np.array([[-1, 2, -3, 4]], np.float32)
    np.testing.assert_array_equal(session.run([x])[0], np.maximum(x, 0))


def test_results_are_copies_that_a_later_run_leaves_alone() -> None:
    session = litert.LiteRtRuntime().open(relu())
    first = session.run([np.ones((1, 4), np.float32)])[0]
    session.run([np.full((1, 4), 9, np.float32)])
    np.testing.assert_array_equal(first, np.ones((1, 4)))


@pytest.mark.parametrize("model", [b"", b"TFL3", b"\x00" * 64, relu()[:40]])
def test_malformed_bytes_are_a_model_error(model: bytes) -> None:
    with pytest.raises(ModelError, match="LiteRT refuses the model"):
        litert.LiteRtRuntime().open(model)


def test_an_array_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"\[1, 4\] was given an array of shape \[1, 5\]"):
        litert.LiteRtRuntime().open(relu()).run([np.zeros((1, 5), np.float32)])


def test_a_closed_session_says_so_and_closes_again() -> None:
    session = litert.LiteRtRuntime().open(relu())
    session.close()
    session.close()
    with pytest.raises(ModelError, match="closed"):
        session.run([np.zeros((1, 4), np.float32)])


def test_quantization_of_the_border_is_declared(shared_data: Path) -> None:
    model = (shared_data / "tflite" / "dscnn_int8.tflite").read_bytes()
    (spec,) = litert.LiteRtRuntime().open(model).inputs
    assert (spec.shape, spec.dtype.name, spec.zero_point) == ((1, 49, 10, 1), "int8", 4)
    assert spec.scale == pytest.approx(0.3847892)


def test_the_whole_network_is_seen_to_be_delegated(shared_data: Path) -> None:
    model = (shared_data / "tflite" / "effnet_lite0_int8.tflite").read_bytes()
    ops = litert.planned_ops(model)
    assert len(ops) == 60
    assert sum(op.code in ("CONV_2D", "DEPTHWISE_CONV_2D") for op in ops) == 49
    assert all(op.delegated for op in ops)


def test_an_operator_that_the_delegate_leaves_is_seen() -> None:
    tensor = single_op.TensorDef((1, 4))
    model = single_op.single_op_model(schema.BuiltinOperator.SIGN, None, [tensor], [tensor])
    assert litert.planned_ops(bytes(model)) == (litert.PlannedOp("SIGN", False),)


def test_a_custom_operator_is_unsupported() -> None:
    error = litert._refusal(RuntimeError("Encountered unresolved custom op: Frobnicate."))
    assert isinstance(error, UnsupportedError)


def test_the_older_package_is_taken_where_only_that_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = importlib.util.find_spec("numpy")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: found if name == "tflite_runtime" else None
    )
    assert litert._installed() == "tflite-runtime"
    assert litert.LiteRtRuntime().probe().detail.startswith("tflite-runtime")


def test_a_machine_without_it_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not litert.LiteRtRuntime().probe().available
    with pytest.raises(RuntimeMissingError, match="pip install"):
        litert.LiteRtRuntime().open(relu())


def test_a_broken_installation_is_missing_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(RuntimeMissingError, match="cannot be imported"):
        litert.LiteRtRuntime().open(relu())
