"""edge-run on pictures: the pixels are Pillow's, the labels are those of the file."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from PIL import Image

from edgesdk_runtimes.base import Array
from tests.native.conftest import EdgeRun
from tests.native.single_op import TensorDef, single_op_model

pytestmark = pytest.mark.native

HEIGHT, WIDTH = 24, 32


def _model(folder: Path, channels: int = 3, **quantization: Any) -> Path:
    """A model that gives its image back, flattened."""
    count = HEIGHT * WIDTH * channels
    options = schema.ReshapeOptionsT()
    options.newShape = [1, count]
    model = single_op_model(
        schema.BuiltinOperator.RESHAPE,
        options,
        [TensorDef((1, HEIGHT, WIDTH, channels), **quantization)],
        [TensorDef((1, count), **quantization)],
    )
    path = folder / "image.tflite"
    path.write_bytes(model)
    return path


def _picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    rng = np.random.default_rng(width * height)
    coarse = rng.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    noise = rng.integers(-20, 21, (height, width, 3))
    array = np.clip(np.asarray(smooth, np.int64) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(array).convert(mode)


def _resize(
    picture: Image.Image, size: tuple[int, int], kind: int, left: float = 0, top: float = 0
) -> Image.Image:
    """Rows first, then columns: one call of Pillow 13 may choose the other order, 1 apart."""
    box = (left, 0, picture.width - left, picture.height)
    rows = picture.resize((size[0], picture.height), kind, box=box)
    return rows.resize(size, kind, box=(0, top, size[0], picture.height - top))


# Endings of pictures that edge-run reads only where it was built beside a library -> its header.
HEADERS = {".png": "png.h", ".jpg": "jpeglib.h"}


def _skip_without_header(picture: Path) -> None:
    """Skip what this machine could not build; where the header is, the picture must be read."""
    header = HEADERS.get(picture.suffix)
    if header is None:
        return
    includes = f"#include <stdio.h>\n#include <{header}>\n"
    found = subprocess.run(
        ["cc", "-E", "-x", "c", "-"], input=includes, capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip(f"{header} is not installed (apt: libpng-dev, libjpeg-dev)")


def _pixels(edge_run: EdgeRun, model: Path, picture: Path, *options: str) -> Array:
    _skip_without_header(picture)
    output = picture.parent / "pixels.npy"
    done = edge_run("run", model, picture, "--output", output, *options)
    assert done.code == 0, done
    array: Array = np.load(output)
    return array.reshape(HEIGHT, WIDTH, -1)


@pytest.mark.parametrize("name", ["x.ppm", "x.bmp", "x.png"])
def test_lossless_formats_give_the_pixels(edge_run: EdgeRun, tmp_path: Path, name: str) -> None:
    picture = _picture(WIDTH, HEIGHT)
    picture.save(tmp_path / name)
    ours = _pixels(edge_run, _model(tmp_path), tmp_path / name)
    np.testing.assert_array_equal(ours, np.asarray(picture, np.float32))


@pytest.mark.parametrize(
    ("name", "mode"),
    [("x.pgm", "L"), ("x.bmp", "L"), ("x.bmp", "P"), ("x.bmp", "RGBA"), ("x.png", "L"),
     ("x.png", "P"), ("x.png", "RGBA"), ("x.jpg", "L"), ("x.jpg", "RGB")],
)  # fmt: skip
def test_other_kinds_of_pixels_become_rgb(
    edge_run: EdgeRun, tmp_path: Path, name: str, mode: str
) -> None:
    _picture(WIDTH, HEIGHT, mode).save(tmp_path / name)
    ours = _pixels(edge_run, _model(tmp_path), tmp_path / name)
    with Image.open(tmp_path / name) as picture:
        theirs = np.asarray(picture.convert("RGB"), np.float32)
    if name.endswith("jpg"):  # decoders may round the inverse transform differently
        np.testing.assert_allclose(ours, theirs, atol=2)
    else:
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (97, 61), (61, 97), (640, 480), (20, 15)])
@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
def test_the_largest_centred_part_is_resized_as_pillow_does(
    edge_run: EdgeRun, tmp_path: Path, size: tuple[int, int], name: str
) -> None:
    picture = _picture(*size)
    picture.save(tmp_path / "x.ppm")
    scale = min(size[0] / WIDTH, size[1] / HEIGHT)
    left, top = (size[0] - WIDTH * scale) / 2, (size[1] - HEIGHT * scale) / 2
    theirs = _resize(picture, (WIDTH, HEIGHT), Image.Resampling[name.upper()], left, top)
    ours = _pixels(edge_run, _model(tmp_path), tmp_path / "x.ppm", "--filter", name)
    np.testing.assert_array_equal(ours, np.asarray(theirs, np.float32))


@pytest.mark.parametrize("size", [(97, 61), (61, 97), (50, 50), (33, 200)])
def test_resize_and_centre_crop_are_torchvisions(
    edge_run: EdgeRun, tmp_path: Path, size: tuple[int, int]
) -> None:
    """Short side to 40, then the centre; the corner is rounded half to even."""
    picture = _picture(*size)
    picture.save(tmp_path / "x.ppm")
    width, height = size
    short = min(size)
    whole = (40 * width // short, 40 * height // short)
    large = _resize(picture, whole, Image.Resampling.BILINEAR)
    left, top = round((large.width - WIDTH) / 2), round((large.height - HEIGHT) / 2)
    theirs = large.crop((left, top, left + WIDTH, top + HEIGHT))
    ours = _pixels(edge_run, _model(tmp_path), tmp_path / "x.ppm", "--resize", "40")
    np.testing.assert_array_equal(ours, np.asarray(theirs, np.float32))


def test_gray_inputs_get_the_luma(edge_run: EdgeRun, tmp_path: Path) -> None:
    picture = _picture(WIDTH, HEIGHT)
    picture.save(tmp_path / "x.ppm")
    ours = _pixels(edge_run, _model(tmp_path, channels=1), tmp_path / "x.ppm")
    np.testing.assert_array_equal(ours[..., 0], np.asarray(picture.convert("L"), np.float32))


def test_mean_std_and_scale(edge_run: EdgeRun, tmp_path: Path) -> None:
    picture = _picture(WIDTH, HEIGHT)
    picture.save(tmp_path / "x.ppm")
    ours = _pixels(
        edge_run, _model(tmp_path), tmp_path / "x.ppm", "--scale", "0.00392156862745098",
        "--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225",
    )  # fmt: skip
    x = np.asarray(picture, np.float64) / 255
    theirs = (x - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(("dtype", "zero"), [(np.int8, -1), (np.uint8, 127)])
def test_quantized_inputs_store_by_their_scale(
    edge_run: EdgeRun, tmp_path: Path, dtype: type, zero: int
) -> None:
    picture = _picture(WIDTH, HEIGHT)
    picture.save(tmp_path / "x.ppm")
    model = _model(tmp_path, dtype=dtype, scale=(0.0078125,), zero_point=(zero,))
    ours = _pixels(edge_run, model, tmp_path / "x.ppm", "--mean", "127", "--std", "128")
    q = np.rint((np.asarray(picture, np.float64) - 127) / 128 / 0.0078125) + zero
    limits = np.iinfo(dtype)
    np.testing.assert_array_equal(ours, np.clip(q, limits.min, limits.max).astype(dtype))
    raw = _pixels(edge_run, model, tmp_path / "x.ppm")
    np.testing.assert_array_equal(raw, np.asarray(picture, np.int64) + limits.min)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.ppm", b"P6 4 4 255\n" + bytes(20), "cut short"),
        ("x.ppm", b"P6 4 x", "damaged"),
        ("x.ppm", b"P6 4 4 65535\n" + bytes(96), "more than 8 bits"),
        ("x.ppm", b"P6 0 4 255\n", "side of no pixel"),
        ("x.ppm", b"P6 99999 4 255\n", "over 16384"),
        ("x.bmp", b"BM" + bytes(20), "cut short"),
        ("x.bmp", b"BM" + bytes(100), "16-bit Windows"),
        ("x.png", b"\x89PNG\r\n\x1a\n" + bytes(30), "PNG"),
        ("x.jpg", b"\xff\xd8\xff\xe0" + bytes(30), "JPEG"),
    ],
)
def test_a_damaged_image_is_refused(
    edge_run: EdgeRun, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    done = edge_run("run", _model(tmp_path), tmp_path / name)
    assert done.code == 1
    assert message in done.stderr


def test_an_image_for_a_model_without_image_input_is_refused(
    edge_run: EdgeRun, tmp_path: Path
) -> None:
    _picture(WIDTH, HEIGHT).save(tmp_path / "x.ppm")
    done = edge_run("run", _model(tmp_path, channels=2), tmp_path / "x.ppm")
    assert done.code == 1
    assert "not [1, height, width, 3 or 1]" in done.stderr


# ---- classify ------------------------------------------------------------------------------------


def _scores(folder: Path) -> tuple[Path, Path]:
    """A model whose scores are its gray pixels, and a picture whose pixel i is (7 i) mod 256."""
    values = (7 * np.arange(HEIGHT * WIDTH) % 256).astype(np.uint8).reshape(HEIGHT, WIDTH)
    Image.fromarray(values).save(folder / "x.pgm")
    return _model(folder, channels=1), folder / "x.pgm"


def test_classify_lists_the_best_with_their_labels(edge_run: EdgeRun, tmp_path: Path) -> None:
    model, picture = _scores(tmp_path)
    labels = [f'class "{i}"' for i in range(HEIGHT * WIDTH)]
    (tmp_path / "labels.txt").write_text("\n".join(labels))
    values = np.asarray(Image.open(picture)).ravel().astype(np.int64)
    best = np.lexsort((np.arange(values.size), -values))[:4].tolist()
    words = ("--labels", tmp_path / "labels.txt", "--top", "4")
    done = edge_run("classify", model, picture, *words, "--json")
    assert json.loads(done.stdout) == [
        {"class": i, "score": values[i], "label": labels[i]} for i in best
    ]
    text = edge_run("classify", model, picture, *words).stdout.splitlines()
    assert [int(line.split()[1]) for line in text] == best


def test_too_few_labels_are_named(edge_run: EdgeRun, tmp_path: Path) -> None:
    model, picture = _scores(tmp_path)
    (tmp_path / "labels.txt").write_text("one\ntwo\n")
    done = edge_run("classify", model, picture, "--labels", tmp_path / "labels.txt")
    assert done.code == 1
    assert "labels.txt has fewer lines than the model has classes" in done.stderr
