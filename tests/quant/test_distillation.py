"""Distillation behind GPTQ, on a small text encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgesdk_quant.data import open_data
from edgesdk_quant.graph import load, normalize, to_bytes
from edgesdk_quant.pipeline import quantize
from edgesdk_quant.recipe import Recipe
from edgesdk_runtimes import runtime_named
from edgesdk_targets import load as load_target
from tests.quant import test_rounding
from tests.quant.test_rounding import Deadly, KilledError

TOKENS, WIDTH, WORDS, LAYERS = 12, 32, 50, 3


def encoder(activation: str = "Gelu") -> bytes:
    """ids int64 [batch, 12] -> vector float32 [batch, 32]: residual layers, mean of the tokens."""
    rng = np.random.default_rng(0)
    tensors = {"words": rng.normal(size=(WORDS, WIDTH)), "gain": np.ones(WIDTH)}
    nodes = [helper.make_node("Gather", ["words", "ids"], ["x0"], "words")]
    for i in range(LAYERS):
        tensors[f"w{i}"] = rng.normal(size=(WIDTH, WIDTH)) / np.sqrt(WIDTH)
        tensors[f"b{i}"], tensors[f"n{i}"] = rng.normal(size=(2, WIDTH)) / 5
        nodes += [
            helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"m{i}"], f"linear{i}"),
            helper.make_node("Add", [f"m{i}", f"b{i}"], [f"a{i}"], f"bias{i}"),
            helper.make_node(activation, [f"a{i}"], [f"g{i}"], f"act{i}"),
            helper.make_node("Add", [f"x{i}", f"g{i}"], [f"s{i}"], f"sum{i}"),
            helper.make_node("LayerNormalization", [f"s{i}", "gain", f"n{i}"], [f"x{i + 1}"],
                             f"norm{i}"),
        ]  # fmt: skip
    nodes.append(helper.make_node("ReduceMean", [f"x{LAYERS}", "axes"], ["y"], "mean", keepdims=0))
    stored = [numpy_helper.from_array(a.astype(np.float32), n) for n, a in tensors.items()]
    stored.append(numpy_helper.from_array(np.array([1]), "axes"))
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", TOKENS])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", WIDTH])
    graph = helper.make_graph(nodes, "encoder", [ids], [y], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())


def texts(count: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(WORDS, size=(1, TOKENS)) for _ in range(count)]


def quantized(steps: int, samples: int = 64, activation: str = "Gelu", **options: Any) -> ir.Model:
    rules = Recipe.load("w4")
    rules = replace(rules, algorithms=replace(rules.algorithms, distillation=steps))
    graph, data = normalize(load(encoder(activation))), open_data(texts(samples, 1))
    return quantize(graph, data, rules, load_target("generic"), **options).model


def noise(model: ir.Model) -> float:
    """Power of the error on texts that nothing was learnt from."""
    exact, ours = (runtime_named("onnxruntime").open(d) for d in (encoder(), to_bytes(model)))
    pairs = [(exact.run([x])[0], ours.run([x])[0]) for x in texts(64, 2)]
    return float(np.mean([np.square(a - b).mean() for a, b in pairs]))


def test_texts_not_seen_come_nearer_to_the_float_network() -> None:
    before, after = quantized(0), quantized(100)
    assert noise(after) < 0.9 * noise(before)
    sizes = [len(to_bytes(model)) for model in (before, after)]
    assert abs(sizes[0] - sizes[1]) < 64


def test_convolutions_with_integer_activations_are_distilled_too() -> None:
    plain = test_rounding.recipe("sequential_mse")
    asked = replace(plain, algorithms=replace(plain.algorithms, distillation=300))
    before, after = (test_rounding.quantized(rules, samples=64) for rules in (plain, asked))
    assert test_rounding.noise(after) < 0.95 * test_rounding.noise(before)


def test_a_run_that_was_killed_while_distilling_keeps_its_roundings(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        quantized(40, workdir=tmp_path, progress=Deadly("distilling", 20))
    assert list(tmp_path.glob("rounding*"))
    unrounded = Deadly("rounding by GPTQ", LAYERS + 1)
    resumed = quantized(40, workdir=tmp_path, progress=unrounded)
    assert to_bytes(resumed) == to_bytes(quantized(40))
    assert not list(tmp_path.glob("rounding*"))


@pytest.mark.parametrize(("samples", "activation"), [(12, "Gelu"), (64, "Softsign")])
def test_with_few_samples_or_without_a_gradient_the_roundings_stay(
    samples: int, activation: str
) -> None:
    plain, asked = (quantized(steps, samples, activation) for steps in (0, 20))
    plain.metadata_props.clear()
    asked.metadata_props.clear()
    assert to_bytes(plain) == to_bytes(asked)
