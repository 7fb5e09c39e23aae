"""Where ONNX Runtime leaves the simulation."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgesdk
from edgesdk.verification.origins import Origin
from edgesdk_quant.graph import to_bytes
from tests.edgesdk import small_network
from tests.quant.graph.written import model, random

SIDE = 96


def test_a_sum_that_rounds_a_tie_otherwise_is_named_alone(tmp_path: Path) -> None:
    """Of 150,000 sums some lie near the middle of two steps; the convolution passes them on."""
    shape = f"float[1,16,{SIDE},{SIDE}]"
    before = model(
        f"agraph ({shape} x) => ({shape} y) "
        "{ a = Conv(x, u) b = Conv(x, v) s = Add(a, b) y = Conv(s, w) }",
        u=random(16, 16, 1, 1, seed=1),
        v=random(16, 16, 1, 1, seed=2),
        w=random(16, 16, 1, 1, seed=3),
    )
    (tmp_path / "float.onnx").write_bytes(to_bytes(before))
    x = random(2, 16, SIDE, SIDE, seed=4)
    edgesdk.quantize(tmp_path / "float.onnx", x).save(tmp_path / "model.onnx")
    found = edgesdk.verify(
        tmp_path / "model.onnx", tmp_path / "float.onnx", x, runtimes=["onnxruntime"]
    )
    (result,) = [r for r in found.results if r.runtime == "onnxruntime"]
    assert bool(found.origins) == bool(result.different)
    assert {origin.op for origin in found.origins} <= {"ADD"}
    assert all(origin.largest == 1 and origin.tensor == "s" for origin in found.origins)
    if found.origins:
        assert "float32" in str(found.origins[0])


def test_runtimes_that_agree_have_no_origins(tmp_path: Path) -> None:
    float_model, data = small_network.write(tmp_path, count=4)
    edgesdk.quantize(float_model, data, "w8").save(tmp_path / "model.onnx")
    found = edgesdk.verify(tmp_path / "model.onnx", float_model, data, runtimes=["native"])
    assert found.origins == ()


@pytest.mark.parametrize(
    ("largest", "op", "text"),
    [
        (1, "MUL", "MUL t (3 of 1,000 elements, at most 1 step)"),
        (2, "MUL", "MUL t (3 of 1,000 elements, at most 2 steps)"),
    ],
)
def test_an_origin_reads_as_words(largest: int, op: str, text: str) -> None:
    assert str(Origin("t", op, 3, 1000, largest)) == text
