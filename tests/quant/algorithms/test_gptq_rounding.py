"""How GPTQ goes about a layer behind rounded ones: what it takes back, and who judges that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx_ir as ir
import pytest

from edgesdk_quant.algorithms.gptq import round_by_hessian, shrunk
from edgesdk_quant.algorithms.gptq_rounding import (
    MOST_TRIED,
    Choice,
    Gptq,
    _refuse_too_few,
    best_choice,
    error_of,
    round_so,
)
from edgesdk_quant.algorithms.layer_input import Moments, Seen, moments
from edgesdk_quant.algorithms.layer_rounding import Grid
from edgesdk_runtimes.errors import InputError

RNG = np.random.default_rng(0)
DEPTH, UNITS = 24, 6
DAMPINGS = Gptq().dampings
WEIGHT = RNG.normal(size=(1, UNITS, DEPTH))
MIXED = RNG.normal(size=(DEPTH, DEPTH))


def grid(step: float = 0.3) -> Grid:
    return Grid(np.full_like(WEIGHT, step), np.zeros_like(WEIGHT), -127, 127)


def inputs(rows: int, loss: float) -> tuple[np.ndarray, np.ndarray]:
    """x [rows, DEPTH] and the same behind a prefix that damps it and adds some noise."""
    x = RNG.normal(size=(rows, DEPTH)) @ MIXED
    return x, x * (1 - loss) + 0.1 * loss * RNG.normal(size=x.shape) * x.std()


def seen(rows: int, loss: float) -> Moments:
    x, ours = inputs(rows, loss)
    pair = (x[None].astype(np.float32), ours[None].astype(np.float32))
    return moments(ir.node("MatMul", [None, None]), (DEPTH, UNITS), [pair])


def output_error(rounded: np.ndarray, x: np.ndarray, ours: np.ndarray) -> float:
    return float(np.square(x @ WEIGHT[0].T - ours @ rounded[0].T).sum(axis=1).mean())


def test_weights_take_back_what_the_layers_before_did() -> None:
    known, (x, ours) = seen(1000, 0.3), inputs(1000, 0.3)
    errors = {
        share: output_error(round_so(WEIGHT, grid(0.05), known, Choice(0.01, share)), x, ours)
        for share in (0.0, 1.0)
    }
    assert errors[1.0] < 0.8 * errors[0.0]


def test_they_are_those_of_least_squares_where_the_grid_is_fine() -> None:
    x, ours = inputs(1000, 0.3)
    pair = (x[None].astype(np.float32), ours[None].astype(np.float32))
    known = moments(ir.node("MatMul", [None, None]), (DEPTH, UNITS), [pair])
    fine = Grid(np.full_like(WEIGHT, 1e-4), np.zeros_like(WEIGHT), -(2**31), 2**31)
    sure = replace(known, rows=10**9)  # nothing is chance
    found = round_so(WEIGHT, fine, sure, Choice(1e-9, 1.0))
    best = np.linalg.lstsq(ours, x @ WEIGHT[0].T, rcond=None)[0].T
    assert np.abs(found[0] - best).max() < 1e-3 * np.abs(best).max()


def test_the_error_of_a_choice_is_that_of_its_outputs_but_for_a_constant() -> None:
    x, ours = inputs(200, 0.3)
    pair = (x[None].astype(np.float32), ours[None].astype(np.float32))
    held_out = moments(ir.node("MatMul", [None, None]), (DEPTH, UNITS), [pair])
    rounded = grid().round(WEIGHT)
    constant = float(np.square(x @ WEIGHT[0].T).sum(axis=1).mean())
    found = error_of(WEIGHT, rounded, held_out) + constant
    assert found == pytest.approx(output_error(rounded, x, ours), rel=1e-5)


def test_where_what_few_samples_say_does_not_hold_for_others_nothing_is_taken_back() -> None:
    known, held_out = seen(30, 0.0), seen(1000, 0.0)
    chance = RNG.normal(size=known.cross.shape) * known.cross.std()
    misleading = Moments(known.second, known.mean, known.cross + chance, known.mean, known.rows)
    assert best_choice(WEIGHT, grid(), misleading, held_out, DAMPINGS).share == 0


def test_where_the_prefix_errs_alike_everywhere_it_is_taken_back() -> None:
    assert best_choice(WEIGHT, grid(0.05), seen(1000, 0.3), seen(1000, 0.3), DAMPINGS).share > 0


def test_without_held_out_samples_it_is_plain_gptq() -> None:
    known = seen(400, 0.3)
    rounded, factors = Gptq().rounded(WEIGHT, grid(), Seen(known))
    hessian = np.stack([shrunk(known.harm[0], known.rows)])
    assert np.array_equal(rounded, round_by_hessian(WEIGHT, grid(), hessian))
    assert factors.shape == (1, UNITS, 1)


def test_a_layer_too_deep_to_try_is_rounded_without_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_TRIED > DEPTH
    monkeypatch.setattr("edgesdk_quant.algorithms.gptq_rounding.MOST_TRIED", DEPTH - 1)
    known, held_out = seen(400, 0.3), seen(100, 0.3)
    rounded, _ = Gptq((1.0, 0.3)).rounded(WEIGHT, grid(), Seen(known, held_out))
    whole = Seen(known, held_out).whole
    assert np.array_equal(rounded, round_so(WEIGHT, grid(), whole, Choice(1.0)))


def test_channels_that_are_always_zero_are_no_obstacle() -> None:
    x = np.zeros((1, 50, DEPTH), np.float32)
    dead = moments(ir.node("MatMul", [None, None]), (DEPTH, UNITS), [(x, x)])
    rounded, _ = Gptq().rounded(WEIGHT, grid(), Seen(dead, dead))
    assert np.isfinite(rounded).all()


def test_too_few_samples_for_the_hessian_are_refused_with_a_number() -> None:
    with pytest.raises(InputError, match=r"1280 x 1280 .* 16 samples .* at least 40 samples"):
        _refuse_too_few(1280, 16, 16, "classifier")
