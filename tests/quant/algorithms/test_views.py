"""Views of samples: as many as asked for, repeatable, and of the samples' own range."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgesdk_quant.algorithms.views import with_views


def pictures(count: int, height: int = 12, width: int = 10) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(1, 3, height, width)).astype(np.float32) for _ in range(count)]


def test_the_samples_come_first_and_views_of_each_follow() -> None:
    given_ = pictures(5, 32, 28)
    found = with_views({"image": given_}, 18)["image"]
    assert len(found) == 18
    assert all(np.array_equal(a, b) for a, b in zip(given_, found, strict=False))
    assert {(a.shape, a.dtype.name) for a in found} == {((1, 3, 32, 28), "float32")}
    assert len({a.tobytes() for a in found}) > 15  # a crop may be the whole picture


@given(height=st.integers(1, 9), width=st.integers(1, 9), count=st.integers(1, 4))
def test_views_stay_within_the_range_of_the_samples(height: int, width: int, count: int) -> None:
    given_ = pictures(count, height, width)
    found = np.stack(with_views({"image": given_}, 3 * count)["image"])
    lowest, highest = np.min(given_), np.max(given_)
    assert lowest - 1e-5 <= found.min()
    assert found.max() <= highest + 1e-5


def test_the_same_samples_give_the_same_views() -> None:
    first, second = (with_views({"image": pictures(3)}, 14)["image"] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_samples_that_cannot_be_written_have_views_without_a_warning() -> None:
    given_ = [
        np.frombuffer(picture.tobytes(), np.float32).reshape(picture.shape)
        for picture in pictures(3)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(with_views({"image": given_}, 9)["image"]) == 9


def test_what_is_no_picture_is_mixed_only() -> None:
    rng = np.random.default_rng(1)
    spectra = [rng.normal(size=(1, 1, 8, 4)).astype(np.float32) for _ in range(6)]
    span = np.concatenate(spectra).reshape(6, -1).T
    for view in with_views({"spectrum": spectra}, 18)["spectrum"]:
        weights, *_ = np.linalg.lstsq(span, view.reshape(-1), rcond=None)
        assert np.allclose(span @ weights, view.reshape(-1), atol=1e-4)
        assert np.isclose(weights.sum(), 1, atol=1e-4)
        assert weights.max() > 0.49


def test_two_inputs_are_mixed_with_the_same_partner_and_share() -> None:
    x = [np.full((1, 4), float(i), np.float32) for i in range(5)]
    found = with_views({"left": x, "right": [10 * a for a in x]}, 20)
    pairs = zip(found["left"], found["right"], strict=True)
    assert all(np.allclose(10 * a, b, rtol=1e-5) for a, b in pairs)


def test_texts_are_spliced_all_inputs_at_the_same_place() -> None:
    ids = [np.full((1, 6), i, np.int64) for i in range(3)]
    found = with_views({"ids": ids, "mask": [a * 10 for a in ids]}, 12)
    assert len(found["ids"]) == len(found["mask"]) == 12
    for a, b in zip(found["ids"], found["mask"], strict=True):
        assert np.array_equal(10 * a, b)
        assert np.count_nonzero(np.diff(a)) <= 1
    assert len({a.tobytes() for a in found["ids"]}) > 6


def test_single_words_and_inputs_of_other_lengths_have_no_views() -> None:
    ids = [np.full((1, 1), i, np.int64) for i in range(3)]
    assert len(with_views({"ids": ids}, 12)["ids"]) == 3
    pair: dict[str, list[np.ndarray]] = {
        "ids": [np.zeros((1, 4), np.int64)],
        "ages": [np.zeros((1, 2), np.float32)],
    }
    assert len(with_views(pair, 12)["ids"]) == 1
