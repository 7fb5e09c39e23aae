"""Images become what a model was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesdk_quant.preprocess import Preprocess
from edgesdk_runtimes.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(PIXELS).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_the_centre_is_cropped_and_normalised_by_channel(photo: Path) -> None:
    steps = Preprocess(crop=4, resize=0, mean=(1.0, 2.0, 3.0), std=(4.0, 5.0, 6.0))
    centre = PIXELS[1:5, 2:6].astype(np.float64)
    expected = ((centre - [1, 2, 3]) / [4, 5, 6]).transpose(2, 0, 1)[None]
    np.testing.assert_allclose(steps.load(photo), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("channels", "layout", "shape"),
    [("RGB", "NHWC", (1, 4, 4, 3)), ("BGR", "NCHW", (1, 3, 4, 4)), ("L", "NCHW", (1, 1, 4, 4))],
)
def test_channels_and_layout(
    channels: str, layout: str, shape: tuple[int, ...], photo: Path
) -> None:
    steps = Preprocess(crop=4, resize=0, std=(1.0,), channels=channels, layout=layout)
    found = steps.load(photo)
    assert found.shape == shape
    assert found.dtype == np.float32
    if channels == "BGR":
        assert np.array_equal(found[0, ::-1], PIXELS[1:5, 2:6].transpose(2, 0, 1))


def test_the_short_side_is_resized_first(photo: Path) -> None:
    found = Preprocess(crop=12, resize=12, std=(1.0,)).load(photo)
    with Image.open(photo) as image:
        whole = np.asarray(image.resize((16, 12), Image.Resampling.BICUBIC))
    assert np.array_equal(found[0], whole[:, 2:14].transpose(2, 0, 1))


@pytest.mark.parametrize(
    "text", ["crop=8,resize=0,mean=1/2/3,std=4,interpolation=bilinear", '{"crop": 8, "mean": [1]}']
)
def test_text_is_read_and_written(text: str) -> None:
    steps = Preprocess.parse(text)
    assert steps.crop == 8
    assert Preprocess.parse(steps.to_json()) == steps


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("crop", "not understood"),
        ("size=3", "no key size; allowed are channels, crop"),
        ("std=0", "impossible"),
        ("channels=CMYK", "allowed are RGB, BGR, L"),
        ("crop=0", "impossible"),
        ("{", "not understood"),
    ],
)
def test_what_is_wrong_is_named(text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Preprocess.parse(text)


def test_an_image_smaller_than_the_crop_is_named(photo: Path) -> None:
    with pytest.raises(InputError, match=r"photo\.png is 8x6, smaller than the crop of 7"):
        Preprocess(crop=7, resize=0).load(photo)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_image_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.png cannot be read as an image"):
        Preprocess().load(tmp_path / "x.png")
