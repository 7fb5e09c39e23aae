"""What a machine is told about itself."""

from __future__ import annotations

import importlib.metadata

import pytest

from edgesdk import doctor
from edgesdk_runtimes import RUNTIMES
from edgesdk_runtimes.base import RuntimeStatus


def test_this_machine_is_described() -> None:
    found = doctor.diagnose()
    assert found.cores >= 1
    assert {status.name for status in found.runtimes} == {"onnxruntime", "litert", "native"}
    assert next(p for p in found.packages if p.name == "numpy").version


def test_a_missing_runtime_becomes_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = RuntimeStatus("litert", False, "", "not installed. Install it: pip install x.")
    monkeypatch.setattr(RUNTIMES["litert"], "probe", lambda: missing)
    assert "litert is not installed. Install it: pip install x." in doctor.diagnose().advice


def test_missing_packages_are_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name in ("torch", "onnx-ir"):
            raise importlib.metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert any(
        sentence.startswith("Quantizing lacks torch, onnx-ir: pip install 'edgesdk[quantize]'")
        for sentence in doctor.diagnose().advice
    )
