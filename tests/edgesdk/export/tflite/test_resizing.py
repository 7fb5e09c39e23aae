"""Resize in every mode, grid and size; TFLite's own operators only where they sample alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.edgesdk.export.judged import codes, judge

GRIDS = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
ROUNDINGS = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


@settings(max_examples=40)
@given(
    grid=st.sampled_from(GRIDS),
    mode=st.sampled_from(["nearest", "linear", "cubic"]),
    rounding=st.sampled_from(ROUNDINGS),
    sizes=st.tuples(st.integers(2, 14), st.integers(2, 14)),
)
def test_any_size(grid: str, mode: str, rounding: str, sizes: tuple[int, int]) -> None:
    attributes = (
        f'mode="{mode}", coordinate_transformation_mode="{grid}", nearest_mode="{rounding}"'
    )
    text = f"(float[1,2,6,5] x) => (float[1,2,H,W] y) {{ y = Resize <{attributes}> (x,,,n) }}"
    assume(not (mode == "nearest" and _on_a_tie(grid, sizes)))
    judge(text, n=np.array([1, 2, *sizes]))


def _on_a_tie(grid: str, sizes: tuple[int, int]) -> bool:
    """Whether a coordinate lies so near to a half or a whole that float32 decides."""
    for before, after in zip((6, 5), sizes, strict=True):
        x = np.arange(after)
        places = {
            "asymmetric": x * before / after,
            "align_corners": x * (before - 1) / (after - 1),
        }.get(grid, (x + 0.5) * before / after - 0.5)
        twice = places * 2
        if np.any((np.abs(twice - np.rint(twice)) < 1e-5) & (np.abs(twice - np.rint(twice)) > 0)):
            return True
    return False


@settings(max_examples=15)
@given(
    grid=st.sampled_from(["half_pixel", "asymmetric"]),
    mode=st.sampled_from(["linear", "cubic"]),
    scales=st.tuples(st.floats(0.4, 2.5), st.floats(0.4, 2.5)),
)
def test_fractional_scales(grid: str, mode: str, scales: tuple[float, float]) -> None:
    assume(all(int(size * s) > 1 for size, s in zip((6, 5), scales, strict=True)))
    attributes = f'mode="{mode}", coordinate_transformation_mode="{grid}"'
    text = f"(float[1,2,6,5] x) => (float[1,2,H,W] y) {{ y = Resize <{attributes}> (x,,s) }}"
    judge(text, s=np.array([1, 1, *scales], np.float32), tolerance=1e-4)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("sizes", [(3, 2), (4, 3), (5, 4)])
def test_antialiasing_averages_over_what_it_shrinks(mode: str, sizes: tuple[int, int]) -> None:
    attributes = f'mode="{mode}", antialias=1'
    text = f"(float[1,2,6,5] x) => (float[1,2,H,W] y) {{ y = Resize <{attributes}> (x,,,n) }}"
    assert "BATCH_MATMUL" in codes(judge(text, n=np.array([1, 2, *sizes]), tolerance=1e-4))


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ('mode="linear"', "RESIZE_BILINEAR"),
        ('mode="linear", coordinate_transformation_mode="align_corners"', "RESIZE_BILINEAR"),
        ('mode="linear", coordinate_transformation_mode="asymmetric"', "RESIZE_BILINEAR"),
        (
            'mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"',
            "RESIZE_NEAREST_NEIGHBOR",
        ),
        ('mode="nearest"', "RESIZE_NEAREST_NEIGHBOR"),
    ],
)
def test_the_usual_ones_are_one_operator(attributes: str, code: str) -> None:
    text = f"(float[1,2,6,5] x) => (float[1,2,12,10] y) {{ y = Resize <{attributes}> (x,,s) }}"
    assert codes(judge(text, s=np.array([1, 1, 2, 2], np.float32))) == [code]


def test_a_crop_is_extrapolated() -> None:
    attributes = (
        'mode="linear", coordinate_transformation_mode="tf_crop_and_resize", '
        "extrapolation_value=10.0"
    )
    text = f"(float[1,2,6,5] x) => (float[1,2,H,W] y) {{ y = Resize <{attributes}> (x,r,,n) }}"
    region = np.array([0, 0, -0.3, 0.1, 1, 1, 0.6, 1.4], np.float32)
    judge(text, n=np.array([1, 2, 4, 3]), r=region)


def test_sequences_are_resized() -> None:
    attributes = 'mode="linear"'
    text = f"(float[1,3,7] x) => (float[1,3,L] y) {{ y = Resize <{attributes}> (x,,,n) }}"
    judge(text, n=np.array([1, 3, 11]))


@pytest.mark.filterwarnings("ignore:The model leaves its batch open")
def test_the_size_of_another_image_beside_an_open_batch() -> None:
    text = """(float[N,3,4,5] x) => (float[N,3,8,10] y) {
        s = Shape<start=0, end=2>(x) all = Concat<axis=0>(s, image)
        y = Resize<mode="linear">(x, , , all)
    }"""
    feeds = {"x": np.random.default_rng(0).normal(size=(1, 3, 4, 5)).astype(np.float32)}
    lowered = judge(text, feeds, image=np.array([8, 10]))
    assert "RESIZE_BILINEAR" in codes(lowered)
