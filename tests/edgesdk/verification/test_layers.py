"""Damage of layers, on tensors made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk.verification.grid import grid_of
from edgesdk.verification.layers import LayerComparison, in_layout_of
from edgesdk_quant.tflite.model import Model, Operator, Quantization, Subgraph, Tensor
from edgesdk_runtimes.base import Array


def quantized(name: str, scale: float, zero: int = 0, data: Array | None = None) -> Tensor:
    scheme = Quantization(np.array([scale], np.float32), np.array([zero], np.int64))
    return Tensor(name, "INT8", (1, 1000), data, scheme)


def chain(*tensors: Tensor, bias: Array | None = None) -> Model:
    """tensors[0] is the input, each operator makes the next."""
    scheme = Quantization(np.ones(1, np.float32), np.zeros(1, np.int64))
    constant = Tensor(
        "bias", "INT32", (1,), np.zeros(1, np.int32) if bias is None else bias, scheme
    )
    last = len(tensors)
    ops = tuple(Operator("CONV_2D", (i, last), (i + 1,)) for i in range(last - 1))
    return Model((Subgraph("main", (*tensors, constant), ops, (0,), (last - 1,)),))


def to_grid(values: Array, tensor: Tensor) -> Array:
    grid = grid_of(tensor)
    assert grid is not None
    rounded: Array = np.rint(values / grid.scale) + grid.zero_point
    return np.clip(rounded, -128, 127).astype(np.int8)


def normal(seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(1, 1000)).astype(np.float32)


def test_rounding_alone_has_the_noise_of_theory() -> None:
    """SQNR of a uniform quantizer: 10 log10(12 var / step^2)."""
    middle = quantized("middle", 4 / 127)
    comparison = LayerComparison(chain(quantized("x", 1.0), middle))
    x = normal()
    comparison.add({"middle": x}, {"middle": to_grid(x, middle)})
    (damage,) = comparison.worst(5)
    assert damage.sqnr_db == pytest.approx(10 * np.log10(12 * x.var() / (4 / 127) ** 2), abs=0.3)
    assert (damage.cause.kind, damage.op) == ("rounding", "CONV_2D")


def test_clipped_values_are_saturation() -> None:
    middle = quantized("middle", 1 / 127)
    comparison = LayerComparison(chain(quantized("x", 1.0), middle))
    x = normal()
    comparison.add({"middle": x}, {"middle": to_grid(x, middle)})
    (damage,) = comparison.worst(5)
    assert damage.cause.kind == "saturation"
    assert damage.clipped == pytest.approx((np.abs(x) > 1.004).mean(), abs=0.01)


def test_a_range_made_for_one_outlier_is_named() -> None:
    middle = quantized("middle", 40 / 127)
    comparison = LayerComparison(chain(quantized("x", 1.0), middle))
    x = normal()
    x[0, 0] = 40
    comparison.add({"middle": x}, {"middle": to_grid(x, middle)})
    assert comparison.worst(1)[0].cause.kind == "outliers"


def test_noise_that_comes_with_the_input_is_inherited() -> None:
    first, second = quantized("first", 4 / 127), quantized("second", 4 / 127)
    comparison = LayerComparison(chain(quantized("x", 1.0), first, second))
    x = normal()
    noisy = to_grid(x + 0.3 * normal(1), first)
    comparison.add({"first": x, "second": x}, {"first": noisy, "second": noisy})
    damages = {damage.tensor: damage for damage in comparison.worst(5)}
    assert damages["first"].cause.kind == "weights"
    assert damages["second"].cause.kind == "inherited"
    assert "first" in damages["second"].cause.sentence
    assert damages["second"].drop_db == pytest.approx(0)


def test_a_bias_at_the_end_of_int32_is_named() -> None:
    middle = quantized("middle", 4 / 127)
    bias = np.array([np.iinfo(np.int32).max], np.int32)
    comparison = LayerComparison(chain(quantized("x", 1.0), middle, bias=bias))
    comparison.add({"middle": normal()}, {"middle": to_grid(normal(1), middle)})
    assert comparison.worst(1)[0].cause.kind == "bias overflow"


def test_the_worst_come_first_and_only_as_many_as_asked() -> None:
    tensors = [quantized(name, 4 / 127) for name in ("a", "b", "c")]
    comparison = LayerComparison(chain(quantized("x", 1.0), *tensors))
    x = normal()
    noisy = {t.name: to_grid(x + k * 0.1 * normal(1), t) for k, t in enumerate(tensors)}
    comparison.add(dict.fromkeys(noisy, x), noisy)
    assert [damage.tensor for damage in comparison.worst(2)] == ["c", "b"]


def test_tensors_that_are_not_quantized_as_a_whole_are_left_out() -> None:
    scheme = Quantization(np.ones(2, np.float32), np.zeros(2, np.int64))
    per_channel = Tensor("middle", "INT8", (1, 1000), None, scheme)
    assert not LayerComparison(chain(quantized("x", 1.0), per_channel)).wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((2, 3, 4, 5), (2, 4, 5, 3)),
        ((1, 3, 7), (1, 7, 3)),
        ((1, 6, 1, 1), (1, 6)),
        ((4, 5), (4, 5)),
        ((1, 8, 32, 2), (1, 32, 8, 2)),
        ((1, 2, 3, 1, 4, 5), (1, 2, 3, 1, 4, 5)),
    ],
)
def test_values_are_brought_to_the_layout_of_the_file(
    given: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    found = in_layout_of(np.zeros(wanted), np.zeros(given))
    assert found is not None
    assert found.shape == wanted


def test_equal_sizes_are_told_apart_by_their_values() -> None:
    nchw = np.random.default_rng(0).normal(size=(1, 4, 4, 4))
    nhwc = nchw.transpose(0, 2, 3, 1)
    found = in_layout_of(nhwc + 0.01, nchw)
    assert found is not None
    np.testing.assert_array_equal(found, nhwc)


def test_shapes_that_do_not_go_together_are_not_compared() -> None:
    assert in_layout_of(np.zeros((2, 3)), np.zeros((3, 2, 5))) is None


def test_a_result_that_leaves_through_a_dequantize_is_compared_with_the_output() -> None:
    inner = quantized("scores_inside", 0.04)
    model = chain(quantized("x", 0.01), inner)
    graph = model.subgraphs[0]
    last = len(graph.tensors)
    output = Tensor("scores", "FLOAT32", (1, 1000))
    leaves = Operator("DEQUANTIZE", (1,), (last,))
    model = Model(
        (Subgraph("main", (*graph.tensors, output), (*graph.operators, leaves), (0,), (last,)),)
    )
    comparison = LayerComparison(model)
    assert comparison.wanted == {"scores"}
    values = normal()
    comparison.add({"scores": values}, {"scores_inside": to_grid(values, inner)})
    (damage,) = comparison.worst(5)
    assert damage.tensor == "scores_inside"
    assert damage.sqnr_db > 35


def test_what_only_moves_is_its_source() -> None:
    first, moved, second = (quantized(name, 4 / 127) for name in ("first", "moved", "second"))
    plain = chain(quantized("x", 1.0), first, moved, second)
    graph = plain.subgraphs[0]
    operators = list(graph.operators)
    operators[1] = Operator("RESHAPE", (1,), (2,))
    model = Model((Subgraph("main", graph.tensors, tuple(operators), (0,), (3,)),))
    comparison = LayerComparison(model)
    x = normal()
    noisy = to_grid(x + 0.3 * normal(1), first)
    wrong_order = noisy[:, ::-1].copy()  # as the elements of a flattened image are
    comparison.add(
        dict.fromkeys(("first", "moved", "second"), x),
        {"first": noisy, "moved": wrong_order, "second": noisy},
    )
    damages = {damage.tensor: damage for damage in comparison.worst(5)}
    assert damages.keys() == {"first", "second"}
    assert damages["second"].cause.sentence.endswith("its input first")


def test_a_tensor_behind_a_move_is_told_by_the_operator_that_computes_it() -> None:
    inside = Tensor("first_inside", "INT8", (1, 1000), None, quantized("", 1.0).quantization)
    graph = chain(quantized("x", 1.0), inside, quantized("first", 4 / 127)).subgraphs[0]
    operators = (graph.operators[0], Operator("RESHAPE", (1,), (2,)))
    comparison = LayerComparison(Model((Subgraph("main", graph.tensors, operators, (0,), (2,)),)))
    x = normal()
    comparison.add({"first": x}, {"first": to_grid(x + 0.3 * normal(1), graph.tensors[2])})
    (damage,) = comparison.worst(5)
    assert (damage.op, damage.cause.kind) == ("CONV_2D", "weights")


def test_what_a_mask_hides_is_no_saturation() -> None:
    scores = quantized("scores", 12 / 255, 127)
    x = -np.abs(normal())
    x[0, ::2] = -1e4
    integers = to_grid(np.maximum(x, -12), scores)
    model = chain(quantized("x", 1.0), scores)
    for masked, kind in ((frozenset[str](), "saturation"), (frozenset({"scores"}), "rounding")):
        comparison = LayerComparison(model, masked=masked)
        comparison.add({"scores": x}, {"scores": integers})
        assert comparison.worst(1)[0].cause.kind == kind
