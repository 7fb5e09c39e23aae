"""Rounding algorithms from recipe to stored weights, on a small network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from edgesdk_quant.algorithms.adaround import Layer, Settings, _Rounding
from edgesdk_quant.algorithms.gptq_rounding import Gptq
from edgesdk_quant.capability import Target
from edgesdk_quant.data import open_data
from edgesdk_quant.graph import constant, load, normalize, to_bytes
from edgesdk_quant.pipeline import quantize
from edgesdk_quant.progress import Silent
from edgesdk_quant.recipe import Algorithms, Recipe, Search
from edgesdk_quant.scheme import WEIGHTS, Affine
from edgesdk_quant.widths import CHANNEL_BYTES, LAYER_BYTES
from edgesdk_runtimes import runtime_named
from edgesdk_runtimes.errors import InputError, RecipeError, UnsupportedError
from edgesdk_targets import load as load_target
from tests.edgesdk.small_network import images, network
from tests.quant.graph.written import model as written

ALGORITHMS = ("nearest", "sequential_mse", "gptq", "adaround")


class KilledError(Exception):
    """Stands for a process that is killed."""


class Deadly(Silent):
    """Progress that ends the run after some units of a task."""

    def __init__(self, task: str, units: int) -> None:
        self._task, self._left, self._now = task, units, ""

    def start(self, task: str, total: int | None, unit: str) -> None:
        self._now = task

    def advance(self, units: int = 1) -> None:
        if self._now == self._task:
            self._left -= units
            if self._left < 0:
                raise KilledError


def chain(layers: int) -> bytes:
    """Convolutions in a row, each with a Relu: more than one block."""
    rng = np.random.default_rng(0)
    shapes = [(8, 3 if i == 0 else 8, 3, 3) for i in range(layers)]
    weights = [rng.normal(size=shape).astype(np.float32) / 4 for shape in shapes]
    nodes = []
    for i in range(layers):
        source = "image" if i == 0 else f"relu{i - 1}"
        nodes.append(helper.make_node("Conv", [source, f"w{i}"], [f"y{i}"], f"conv{i}"))
        nodes.append(helper.make_node("Relu", [f"y{i}"], [f"relu{i}"], f"activation{i}"))
    tensors = [numpy_helper.from_array(w, f"w{i}") for i, w in enumerate(weights)]
    shape: list[int | str | None] = ["batch", 3, 16, 16]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info(f"relu{layers - 1}", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "chain", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())


def recipe(rounding: str, **changes: Any) -> Recipe:
    algorithms = Algorithms(bias_correction=True, rounding=rounding, iterations=60)
    return replace(Recipe.load("w4a8"), algorithms=algorithms, search=None, **changes)


def quantized(rules: Recipe, samples: int = 24, **options: Any) -> ir.Model:
    data = open_data(images(samples))
    graph = normalize(load(network()))
    return quantize(graph, data, rules, load_target("generic"), **options).model


def noise(model: ir.Model) -> float:
    """Power of the error on images that calibration did not see."""
    x = images(64, seed=9)
    exact = runtime_named("onnxruntime").open(network())
    ours = runtime_named("onnxruntime").open(to_bytes(model))
    rows = [(exact.run([x[i : i + 1]])[0], ours.run([x[i : i + 1]])[0]) for i in range(64)]
    return float(np.mean([np.square(a - b).mean() for a, b in rows]))


@pytest.mark.parametrize("rounding", ALGORITHMS)
def test_all_weights_are_stored_in_four_bits(rounding: str) -> None:
    model = quantized(recipe(rounding))
    kinds = [str(v.dtype) for n, v in model.graph.initializers.items() if n.startswith("w")]
    stored = [k for k in kinds if "INT4" in k.upper()]
    assert len(stored) >= 3
    for name, value in model.graph.initializers.items():
        if name.endswith("_quantized") and value.dtype == ir.DataType.INT4:
            array = np.asarray(constant(value)).astype(int)
            assert -8 <= array.min() <= array.max() <= 7


def test_what_looks_at_outputs_beats_rounding_to_nearest() -> None:
    errors = {rounding: noise(quantized(recipe(rounding))) for rounding in ALGORITHMS}
    assert errors["adaround"] < 0.8 * errors["nearest"]
    assert errors["gptq"] < errors["nearest"]
    assert errors["sequential_mse"] < 1.05 * errors["nearest"]


@pytest.mark.parametrize(("rounding", "task"), [
    ("adaround", "learning to round"),
    ("gptq", "rounding by GPTQ"),
    ("sequential_mse", "choosing steps by sequential MSE"),
])  # fmt: skip
def test_a_run_that_was_killed_goes_on_and_gives_the_same_file(
    rounding: str, task: str, tmp_path: Path
) -> None:
    x = np.random.default_rng(0).normal(size=(12, 3, 16, 16)).astype(np.float32)
    rules, data = recipe(rounding), open_data(x)
    target, graph = load_target("generic"), normalize(load(chain(5)))
    deadly = Deadly(task, 90 if rounding == "adaround" else 4)
    with pytest.raises(KilledError):
        quantize(graph, data, rules, target, workdir=tmp_path, progress=deadly)
    assert list(tmp_path.glob("rounding*")), "the finished block was kept"
    resumed = quantize(graph, data, rules, target, workdir=tmp_path).model
    assert to_bytes(resumed) == to_bytes(quantize(graph, data, rules, target).model)
    assert not list(tmp_path.glob("rounding*"))


def test_too_few_samples_to_learn_from_are_refused_with_a_number() -> None:
    with pytest.raises(
        InputError, match=r"learns from the samples and 3 were given; .* at least 8"
    ):
        quantized(recipe("adaround"), samples=3)


def test_the_search_spends_its_budget_on_the_layer_that_needs_it() -> None:
    rules = replace(recipe("nearest"), search=Search(budget=0.2, samples=8))
    model = quantized(rules)
    settled = Recipe.parse(model.metadata_props["edgesdk.recipe"])
    assert settled.search is None
    widths = {node: settled.weight_bits(node) for node in ("stem", "inner", "classify")}
    assert 8 in widths.values()
    assert 4 in widths.values()


def test_a_budget_below_four_bits_is_impossible_and_says_so() -> None:
    rules = replace(recipe("nearest"), search=Search(budget=0.1, samples=8))
    with pytest.raises(RecipeError, match="impossible: the cheapest choice"):
        quantized(rules)


def test_a_share_of_the_float_file_cuts_the_budget_where_four_bits_leave_room() -> None:
    def stored(file_share: float) -> int:
        """Bytes of the weights."""
        search = Search(0.95, "extra_share", samples=8, file_share=file_share)
        model = quantized(replace(recipe("nearest"), search=search))
        settled = Recipe.parse(model.metadata_props["edgesdk.recipe"])
        sizes = {"stem": 16 * 27, "inner": 16 * 144, "classify": 7 * 16}
        return sum(settled.weight_bits(node) * size // 8 for node, size in sizes.items())

    beside = 3 * LAYER_BYTES + int(CHANNEL_BYTES * 39) + 8 * (16 + 7)
    room = 1800
    assert stored(0.0) > room
    assert stored((room + beside) / len(network())) <= room
    assert stored(0.1) == stored(0.0)  # not even four bits everywhere get there


def test_configurations_that_were_measured_are_not_measured_again(tmp_path: Path) -> None:
    rules = replace(recipe("nearest"), search=Search(budget=0.2, samples=8))
    first = to_bytes(quantized(rules, workdir=tmp_path))
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("evaluations*")}
    assert before
    assert to_bytes(quantized(rules, workdir=tmp_path)) == first
    assert {p: p.stat().st_mtime_ns for p in tmp_path.glob("evaluations*")} == before


def test_rounding_that_needs_data_says_so() -> None:
    rules = replace(Recipe.load("w8"), algorithms=Algorithms(rounding="gptq"))
    with pytest.raises(InputError, match="needs calibration data"):
        quantize(normalize(load(network())), None, rules, load_target("generic"))


def narrow_target() -> Target:
    """One that runs no layer with 4 bits."""
    generic = load_target("generic")
    rows = {
        op: replace(c, weights=frozenset({8})) if c.weights else c
        for op, c in generic.capabilities.items()
    }
    return replace(generic, name="narrow", capabilities=rows)


@pytest.mark.parametrize("name", ["w4a8", "mixed"])
def test_the_budgets_of_the_house_are_possible_where_no_layer_can_have_four_bits(name: str) -> None:
    rules = replace(recipe("nearest"), search=Recipe.load(name).search)
    quantize(normalize(load(network())), open_data(images(8)), rules, narrow_target())


def test_a_target_without_four_bits_gets_eight_and_says_so() -> None:
    graph, data = normalize(load(network())), open_data(images(8))
    done = quantize(graph, data, recipe("nearest"), narrow_target())
    reasons = {d.reason for d in done.decisions if d.op == "Conv"}
    assert reasons == {"target narrow has no 4-bit Conv: 8 bits"}
    assert not any(v.dtype == ir.DataType.INT4 for v in done.model.graph.initializers.values())


STATEFUL = """agraph (float[1,4] x, float[2,1,8] states) => (float[2,1,8] after) {
    h = Gather(states, first) c = Gather(states, second) a = MatMul(x, w) b = MatMul(h, r)
    s = Add(a, b) g = Sigmoid(s) d = Mul(g, c) t = Tanh(d) axes = Constant <value_ints = [0]> ()
    e = Unsqueeze(t, axes) f = Unsqueeze(d, axes) after = Concat <axis = 0> (e, f)
}"""


def test_weights_of_a_cell_with_two_states_in_one_tensor_learn_to_round() -> None:
    rng = np.random.default_rng(0)
    given = {"w": rng.normal(size=(4, 8)), "r": rng.normal(size=(8, 8))}
    weights = {name: array.astype(np.float32) for name, array in given.items()}
    cell = written(STATEFUL, first=np.array(0), second=np.array(1), **weights)
    samples = [
        {
            "x": rng.normal(size=(1, 4)).astype(np.float32),
            "states": rng.normal(size=(2, 1, 8)).astype(np.float32),
        }
        for _ in range(16)
    ]
    rules, data, target = recipe("adaround"), open_data(samples), load_target("generic")
    model = quantize(normalize(cell), data, rules, target).model
    kinds = [value.dtype for value in model.graph.initializers.values()]
    assert kinds.count(ir.DataType.INT4) == 2


def test_learnt_weights_beyond_the_range_sit_at_its_ends() -> None:
    exact = np.array([[-12.3, -8.6, -8.0, -0.4, 0.6, 7.2, 9.7, 15.0]], np.float32)
    stored = Affine(np.ones(1, np.float32), np.zeros(1, np.int8), WEIGHTS[4], axis=0)
    rounding = _Rounding(Layer("y", "w", "", exact, stored.round_trip(exact), stored), 0.45)
    with torch.no_grad():
        assert rounding.weights().tolist() == [[-8, -8, -8, 0, 1, 7, 7, 7]]
        for move in (-3.0, 3.0):
            rounding.move.fill_(move)
            found = rounding.weights().numpy()
            assert np.array_equal(found, stored.round_trip(found))


def test_learning_begins_where_the_start_put_each_weight_though_it_is_no_neighbour() -> None:
    exact = np.array([[-2.4, 0.1, 0.1, 3.2]], np.float32)
    stored = Affine(np.ones(1, np.float32), np.zeros(1, np.int8), WEIGHTS[4], axis=0)
    start = np.array([[-3, 0, 1, 5]], np.float32)
    rounding = _Rounding(Layer("y", "w", "", exact, start, stored), 0.45)
    with torch.no_grad():
        assert rounding.weights().tolist() == start.tolist()
        rounding.move.fill_(0.0)
        assert rounding.weights().tolist() == [[-2, 0, 0, 3]]
        rounding.move.fill_(9.0)
        assert rounding.weights().tolist() == [[-2, 1, 1, 5]]


def test_a_layer_too_deep_for_a_hessian_starts_at_the_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []
    rounded = Gptq.rounded

    def watched(self: Gptq, rows: Any, *rest: Any) -> Any:
        seen.append(rows.shape[-1])
        return rounded(self, rows, *rest)

    start = "edgesdk_quant.algorithms.first_rounding"
    monkeypatch.setattr(Gptq, "rounded", watched)
    quantized(recipe("adaround"))
    depths = set(seen)
    seen.clear()
    monkeypatch.setattr(f"{start}.LARGEST_DEPTH", max(depths) - 1)
    quantized(recipe("adaround"))
    assert depths - set(seen) == {max(depths)}


def test_blocks_of_eight_bits_are_rounded_to_the_nearest() -> None:
    wide = replace(Recipe.load("w4a8").weights, bits=8)
    ours, nearest = (
        quantized(recipe(rounding, weights=wide)).graph.initializers
        for rounding in ("adaround", "nearest")
    )
    stored = [n for n, v in nearest.items() if v.dtype == ir.DataType.INT8]
    assert len(stored) >= 3
    for name in stored:
        assert np.array_equal(np.asarray(constant(ours[name])), np.asarray(constant(nearest[name])))


def test_a_block_without_gradients_gets_its_steps_by_sequential_mse() -> None:
    from edgesdk_quant.algorithms import block_rounding, sequential_mse

    step = SimpleNamespace(
        block=SimpleNamespace(sites=(SimpleNamespace(bits=4),)),
        ahead=None,
        prefix=SimpleNamespace(samples=64),
    )
    rounder = block_rounding.AdaRound(Settings(iterations=60))
    seen: list[int] = []
    progress = SimpleNamespace(advance=lambda units=1: seen.append(units))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block_rounding.AdaRound, "_learn", _refuse)
        patch.setattr(sequential_mse.SequentialMse, "round", lambda *_: {"site": "rounded"})
        found: Any = rounder.round(step, progress)  # type: ignore[arg-type]
    assert found == {"site": "rounded"}
    assert seen == [59]


def _refuse(*_: Any) -> None:
    raise UnsupportedError("no gradient")


def test_the_error_is_measured_at_the_next_block_too() -> None:
    from edgesdk_quant.algorithms.block_rounding import reach
    from edgesdk_quant.blocks import Block

    first = Block(("x",), ("a", "b"), (), ())
    assert reach(first, None) == (("x",), ("a", "b"))
    second = Block(("a", "early", "x"), ("c",), (), ())
    assert reach(first, second) == (("x", "early"), ("a", "b", "c"))
