"""The adapter of ONNX Runtime."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from edgesdk_runtimes import cpu
from edgesdk_runtimes import onnxruntime as adapter
from edgesdk_runtimes.errors import InputError, ModelError, RuntimeMissingError, UnsupportedError
from tests.runtimes import small_onnx

pytest.importorskip("onnxruntime")


def test_a_model_runs_and_declares_its_border() -> None:
    session = adapter.OnnxRuntime().open(small_onnx.scaled("n"))
    assert [(s.name, s.shape, s.dtype.name) for s in session.inputs] == [
        ("x", (None, 3), "float32")
    ]
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(session.run([x])[0], 2 * x)


def test_outputs_come_in_the_order_of_the_file() -> None:
    session = adapter.OnnxRuntime().open(small_onnx.added(), threads=2)
    a, b = np.array([[5, 6]], np.float32), np.array([[1, 2]], np.float32)
    total, difference = session.run([a, b])
    np.testing.assert_array_equal(total, a + b)
    np.testing.assert_array_equal(difference, a - b)


@pytest.mark.parametrize("model", [b"", b"not a model", small_onnx.scaled()[:-20]])
def test_malformed_bytes_are_a_model_error(model: bytes) -> None:
    with pytest.raises(ModelError, match="ONNX Runtime refuses the model"):
        adapter.OnnxRuntime().open(model)


def test_an_unknown_operator_is_unsupported_and_named() -> None:
    with pytest.raises(UnsupportedError, match="Frobnicate"):
        adapter.OnnxRuntime().open(small_onnx.unknown_operator())


def test_a_failure_while_running_is_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    session = adapter.OnnxRuntime().open(small_onnx.failing_when_run())
    with pytest.raises(ModelError, match=r"failed while running.*look up") as caught:
        session.run([np.array([9], np.int64)])
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_an_array_that_does_not_fit_never_reaches_it() -> None:
    with pytest.raises(InputError, match="'x' float32"):
        adapter.OnnxRuntime().open(small_onnx.scaled()).run([np.zeros((1, 3))])


def test_a_closed_session_says_so_and_closes_again() -> None:
    session = adapter.OnnxRuntime().open(small_onnx.scaled())
    session.close()
    session.close()
    with pytest.raises(ModelError, match="closed"):
        session.run([np.zeros((1, 3), np.float32)])


@pytest.mark.parametrize(
    ("machine", "flags", "exact"),
    [("x86_64", "avx2", True), ("x86_64", "avx2 avx_vnni", False), ("aarch64", "asimd", False)],
)
def test_exact_products_are_asked_for_where_x86_has_no_vnni(
    machine: str, flags: str, exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = cpu.Cpu(machine, "", frozenset(flags.split()))
    monkeypatch.setattr(cpu, "detect", lambda: processor)
    assert _session_config("session.x64quantprecision") == ("1" if exact else None)
    assert ("x64quantprecision" in adapter.OnnxRuntime().probe().detail) == exact


def _session_config(key: str) -> str | None:
    import onnxruntime

    options: Any = adapter._options(onnxruntime, 1)
    try:
        return str(options.get_session_config_entry(key))
    except RuntimeError:
        return None


def test_the_optimized_model_shows_the_fusions() -> None:
    import onnx

    optimized = onnx.load_from_string(adapter.optimized_model(small_onnx.scaled()))
    assert [node.op_type for node in optimized.graph.node] == ["Mul"]


def test_a_machine_without_it_is_told_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(RuntimeMissingError, match="pip install"):
        adapter.OnnxRuntime().open(small_onnx.scaled())
