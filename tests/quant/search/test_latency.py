"""Searches under a budget of latency, with a clock that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import onnx_ir as ir
import pytest

from edgesdk_quant.bit_allocation import Searched
from edgesdk_quant.data import open_data
from edgesdk_quant.graph import load, normalize, to_bytes
from edgesdk_quant.pipeline import QuantizedModel, quantize
from edgesdk_quant.progress import Progress
from edgesdk_quant.recipe import Override, Recipe, Search
from edgesdk_quant.search.latency import LatencyTable, Times
from edgesdk_runtimes.errors import InputError, RecipeError
from edgesdk_targets import load as load_target
from tests.edgesdk.small_network import images, network

# Value -> time with 4-bit and with 8-bit weights; the stem is faster in 8 bits.
TIMES = {"r0": (3.0, 2.0), "c1": (4.0, 8.0), "scores_float": (1.0, 2.0)}
REST = 5.0


WEIGHTS = {"r0": "w0", "c1": "w1", "scores_float": "w2"}


@dataclass
class KnownClock:
    """Knows TIMES, and counts how often it is asked.

    Attributes:
        change: milliseconds that a network of both widths takes more than its layers.
        load: what everything takes times as long, since the table was measured.
    """

    asked: list[int] = field(default_factory=list)
    name: str = "known"
    identity: str = "known"
    change: float = 0.0
    load: float = 1.0

    def times(
        self, models: Sequence[ir.Model], wanted: frozenset[str], progress: Progress
    ) -> list[Times]:
        assert not wanted or set(TIMES) <= wanted
        load = 1.0 if wanted else self.load
        self.asked.append(len(models))
        return [self._times(_four_bits(model), load) for model in models]

    def _times(self, four: frozenset[str], load: float) -> Times:
        layers = {name: pair[0 if name in four else 1] for name, pair in TIMES.items()}
        change = self.change if 0 < len(four) < len(TIMES) else 0.0
        return Times(load * (REST + sum(layers.values()) + change), layers)


def _four_bits(model: ir.Model) -> frozenset[str]:
    """The values whose layers have 4-bit weights."""
    stored = {name.partition("_")[0]: v.dtype for name, v in model.graph.initializers.items()
              if name.endswith("_quantized")}  # fmt: skip
    return frozenset(v for v, weight in WEIGHTS.items() if stored[weight] == ir.DataType.INT4)


def searched(
    budget: float, unit: str, method: str = "ilp", clock: KnownClock | None = None,
    workdir: Path | None = None, overrides: tuple[Override, ...] = (),
) -> QuantizedModel:  # fmt: skip
    search = Search(budget, unit, method, samples=8)
    recipe = replace(Recipe.load("mixed"), search=search, overrides=overrides)
    graph = normalize(load(network()))
    return quantize(
        graph, open_data(images(16)), recipe, load_target("generic"),
        clock=clock or KnownClock(), workdir=workdir,
    )  # fmt: skip


def found(model: QuantizedModel) -> Searched:
    assert model.searched is not None
    return model.searched


@pytest.mark.parametrize("method", ["ilp", "greedy"])
@pytest.mark.parametrize(("budget", "unit"), [(13.5, "ms"), (13.5 / 17, "latency_share")])
def test_the_budget_is_of_the_whole_inference(method: str, budget: float, unit: str) -> None:
    model = searched(budget, unit, method)
    bits = found(model).allocation.bits
    # 17 ms in 8 bits: inner in 4 bits saves 4; the stem would cost more in 4 bits.
    assert bits == {"stem": 8, "inner": 4, "classify": 8}
    chosen = [point for point in found(model).front if point.chosen]
    assert [point.latency_ms for point in chosen] == [pytest.approx(13.0)]
    assert Recipe.parse(model.model.metadata_props["edgesdk.recipe"]).weight_bits("inner") == 4


def test_an_impossible_latency_says_the_least_and_the_most() -> None:
    with pytest.raises(RecipeError) as caught:
        searched(11.0, "ms")
    assert "A budget of 11 ms is impossible" in str(caught.value)
    assert "takes 12 ms, the dearest 18 ms" in str(caught.value)


def test_without_a_clock_a_budget_of_latency_is_refused() -> None:
    recipe = replace(Recipe.load("mixed"), search=Search(11.0, "ms"))
    with pytest.raises(InputError, match="nothing here measures time"):
        quantize(normalize(load(network())), open_data(images(8)), recipe, load_target("generic"))


def test_the_table_is_kept_under_its_hash_and_read_again(tmp_path: Path) -> None:
    clock = KnownClock()
    first = searched(13.5, "ms", clock=clock, workdir=tmp_path)
    again = searched(13.5, "ms", clock=clock, workdir=tmp_path)
    assert clock.asked == [2, 2]  # the table, and the choice beside the widest network
    assert to_bytes(first.model) == to_bytes(again.model)
    assert found(first).latencies == found(again).latencies
    kept = list(tmp_path.glob("latency-*.json"))
    assert [LatencyTable.parse(p.read_text()) for p in kept] == [found(first).latencies]
    searched(13.5, "ms", clock=replace(clock, identity="another core"), workdir=tmp_path)
    assert clock.asked == [2, 2, 2, 2]


@pytest.mark.parametrize("load", [1.0, 3.0])
def test_a_choice_that_takes_too_long_as_a_whole_is_made_again(load: float) -> None:
    # By its layers, inner in 4 bits takes 13 ms; both widths beside each other cost another one.
    result = found(searched(13.5, "ms", clock=KnownClock(change=1.0, load=load)))
    assert result.allocation.bits == {"stem": 8, "inner": 4, "classify": 4}
    assert result.whole is not None
    assert result.whole.measured_ms == pytest.approx(13.0)
    assert result.whole.rounds == 2
    assert result.whole.holds


def test_where_no_choice_holds_as_a_whole_the_answer_says_what_the_fastest_takes() -> None:
    whole = found(searched(13.5, "ms", clock=KnownClock(change=3.0))).whole
    assert whole is not None
    assert not whole.holds
    assert whole.measured_ms == pytest.approx(15.0)
    assert whole.sentence.startswith(
        "The fastest of 2 choices takes 15.000 ms as a whole; the budget is 13.500 ms, and no "
    )


def test_the_front_goes_from_the_cheapest_to_the_dearest_and_is_measured() -> None:
    front = found(searched(13.5, "ms")).front
    latencies = [point.latency_ms for point in front]
    assert latencies == sorted(latencies, key=lambda ms: ms or 0)
    assert latencies[0] == pytest.approx(12.0)
    assert front[-1].bits == {"stem": 8, "inner": 8, "classify": 8}
    assert front[-1].damage.noise == min(point.damage.noise for point in front)
    assert sum(point.chosen for point in front) == 1


def test_the_same_seed_gives_the_same_front_and_nothing_is_measured_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = searched(0.2, "float_share", workdir=tmp_path)

    def refuse(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("edgesdk_quant.sensitivity.Evaluations.put", refuse)
    again = searched(0.2, "float_share", workdir=tmp_path)
    assert found(first) == found(again)
    assert to_bytes(first.model) == to_bytes(again.model)


def test_a_width_that_an_override_says_is_not_searched() -> None:
    model = searched(0.2, "float_share", overrides=(Override("stem", weight_bits=4),))
    assert found(model).allocation.bits["stem"] == 4
    assert ("stem", 8) not in found(model).damages
    bytes_of = {point.weight_bytes for point in found(model).front}
    assert max(bytes_of) < 2848
