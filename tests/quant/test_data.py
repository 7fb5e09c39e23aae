"""Data in every form that users have, one sample at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from PIL import Image

from edgesdk_quant.data import open_data
from edgesdk_quant.preprocess import Preprocess
from edgesdk_runtimes.base import Array, TensorSpec
from edgesdk_runtimes.errors import InputError

FLOAT = np.dtype(np.float32)
ONE = [TensorSpec("x", (None, 3), FLOAT)]
TWO = [TensorSpec("a", (None, 2), FLOAT), TensorSpec("b", (1,), np.dtype(np.int64))]
ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


def arrays(source: Any, specs: list[TensorSpec] = ONE) -> list[tuple[Array, ...]]:
    return [sample.arrays for sample in open_data(source).samples(specs)]


def generator() -> Iterator[Array]:
    yield from ROWS


@pytest.mark.parametrize(
    "source",
    [ROWS, list(ROWS), ROWS.astype(np.float64), [{"x": row} for row in ROWS]],
    ids=["array", "list", "float64", "dicts"],
)
def test_every_form_gives_the_same_samples(source: Any) -> None:
    found = arrays(source)
    assert [len(sample) for sample in found] == [1] * 4
    np.testing.assert_array_equal(np.concatenate([sample[0] for sample in found]), ROWS)
    assert found[0][0].dtype == FLOAT


def test_a_generator_can_be_used_once_and_has_no_count() -> None:
    data = open_data(generator())
    assert data.count == 0
    assert len(list(data.samples(ONE))) == 4


def test_a_label_behind_the_inputs_is_left_out() -> None:
    pairs = [(row, 7) for row in ROWS]
    assert [len(sample) for sample in arrays(pairs)] == [1] * 4


@pytest.mark.parametrize("name", ["data.npy", "DATA.NPY", "data.npz"])
def test_files_hold_rows(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        if name.endswith("npz"):
            np.savez(file, x=ROWS)
        else:
            np.save(file, ROWS)
    np.testing.assert_array_equal(np.concatenate([s[0] for s in arrays(path)]), ROWS)


def test_an_archive_gives_each_input_its_rows(tmp_path: Path) -> None:
    a, b = np.ones((3, 2), np.float32), np.arange(3, dtype=np.int64)
    np.savez(tmp_path / "two.npz", b=b, a=a)
    found = arrays(tmp_path / "two.npz", TWO)
    assert [int(sample[1][0]) for sample in found] == [0, 1, 2]


def test_images_are_named_by_their_path_below_the_folder(tmp_path: Path) -> None:
    for name in ("b/1.png", "a/1.png"):
        (tmp_path / name).parent.mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    data = open_data(tmp_path, Preprocess(crop=4, resize=0))
    specs = [TensorSpec("x", (None, 3, 4, 4), FLOAT)]
    assert [sample.name for sample in data.samples(specs)] == ["a/1.png", "b/1.png"]


def test_limits_and_skips_count() -> None:
    data = open_data(ROWS)
    assert [s.name for s in data.limited(2).samples(ONE)] == ["0", "1"]
    assert [s.name for s in data.skipped(3).samples(ONE)] == ["3"]
    assert (data.limited(2).count, data.skipped(3).count, data.limited(None).count) == (2, 1, 4)
    with pytest.raises(InputError, match="limit of 0"):
        data.limited(0)


@pytest.mark.parametrize(
    ("source", "specs", "complaint"),
    [
        (np.zeros((2, 4), np.float32), ONE, r"sample 0 has shape \[1, 4\] .* takes \['\?', 3\]"),
        (
            [np.zeros((2, 3), np.float32)],
            [TensorSpec("x", (1, 3), FLOAT)],
            r"give samples of that shape, or fix .* no batch: inputs=\{'x': \(2, 3\)\}",
        ),
        ([ROWS[0], ROWS[0] * np.nan], ONE, "sample 1 holds NaN or infinity"),
        ([{"y": ROWS[0]}], ONE, "lacks the inputs x"),
        ([ROWS[0]], TWO, "has 1 arrays and the model takes 2 inputs: a, b"),
        (7, ONE, "data of type int"),
    ],
)
def test_what_does_not_fit_is_named(source: Any, specs: list[TensorSpec], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        arrays(source, specs)


@pytest.mark.parametrize("name", ["bad.npy", "bad.npz"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"junk" * 50])
def test_broken_files_are_named(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name} cannot be read as numbers"):
        arrays(tmp_path / name)


def test_an_image_needs_preprocessing_and_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no image or array"):
        open_data(tmp_path)
    Image.new("RGB", (4, 4)).save(tmp_path / "1.png")
    with pytest.raises(InputError, match="nothing says how it becomes numbers"):
        arrays(tmp_path)


def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(folder: Path, pattern: str) -> NoReturn:
        raise FileNotFoundError(2, "No such file or directory", str(folder / "gone"))

    monkeypatch.setattr(Path, "rglob", vanish)
    with pytest.raises(InputError, match=r"cannot be listed.*gone"):
        open_data(tmp_path)
