"""Images are sampled at computed places."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_runtimes.errors import UnsupportedError
from tests.edgesdk.export.judged import judge
from tests.quant.graph.written import random

TEXT = """(float[1,3,6,9] x, float[1,4,5,2] g) => (float[1,3,4,5] y) {{
    y = GridSample <mode="{}", padding_mode="{}", align_corners={}> (x, g)
}}"""


@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("padding", ["zeros", "border"])
@pytest.mark.parametrize("corners", [0, 1])
def test_places_inside_and_outside(mode: str, padding: str, corners: int) -> None:
    places = np.random.default_rng(0).uniform(-1.6, 1.6, (1, 4, 5, 2)).astype(np.float32)
    judge(TEXT.format(mode, padding, corners), {"x": random(1, 3, 6, 9), "g": places})


def test_places_on_pixels_and_borders() -> None:
    steps = np.linspace(-1, 1, 20).reshape(1, 2, 5, 2).repeat(2, 1).astype(np.float32)
    judge(TEXT.format("linear", "zeros", 1), {"x": random(1, 3, 6, 9), "g": steps})


def test_what_is_not_written_is_refused_with_what_would_be() -> None:
    with pytest.raises(UnsupportedError, match="by cubic with zeros outside; images by linear or"):
        judge(TEXT.format("cubic", "zeros", 1))


@pytest.mark.parametrize(("images", "channels"), [(7, 1), (3, 4)])
def test_images_have_places_of_their_own(images: int, channels: int) -> None:
    places = np.random.default_rng(0).uniform(-1.2, 1.2, (images, 3, 3, 2)).astype(np.float32)
    text = f"""(float[1,{images * channels * 20}] x) => (float[1,{images * channels * 9}] y) {{
        shape = Constant <value_ints = [{images}, {channels}, 4, 5]> ()
        flat = Constant <value_ints = [1, -1]> ()
        r = Reshape(x, shape) s = GridSample <align_corners=1> (r, g) y = Reshape(s, flat)
    }}"""
    judge(text, g=places)
