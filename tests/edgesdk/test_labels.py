"""Labels in their natural forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesdk.labels import labels_of_folders, read_labels
from edgesdk_runtimes.errors import InputError

NAMED = {
    "header with more columns": "file,class,wnid,name\na.jpg,3,n1,tench\nb.jpg,5,n2,shark\n",
    "other names, other order": "label;filename\n3;a.jpg\n5;b.jpg\n",
    "no header": "a.jpg,3\nb.jpg,5\n",
    "tabs": "a.jpg\t3\nb.jpg\t5\n",
    "blanks, blank lines, byte order mark": "\ufeffa.jpg 3\n\nb.jpg 5\n",
}


def written(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("text", NAMED.values(), ids=NAMED.keys())
def test_classes_are_found_by_file_name(text: str, tmp_path: Path) -> None:
    labels = read_labels(written(tmp_path, text))
    assert [labels.of(name, 0) for name in ("a.jpg", "some/folder/b.jpg", "c.jpg")] == [3, 5, None]
    assert len(labels) == 2


@pytest.mark.parametrize("text", ["7\n8\n", "class\n7\n8\n"])
def test_classes_without_names_go_by_place(text: str, tmp_path: Path) -> None:
    labels = read_labels(written(tmp_path, text))
    assert [labels.of("any", place) for place in (0, 1, 2)] == [7, 8, None]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "hold no line"),
        ("file,name\na.jpg,tench\n", "none is a class"),
        ("file,class\na.jpg,tench\n", "line 2: 'tench' is no class number"),
        ("file,class\na.jpg\n", "line 2: no class"),
        ("a.jpg,3\nb.jpg\n", "line 2: no class"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=complaint):
        read_labels(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.csv cannot be read"):
        read_labels(tmp_path / "absent.csv")


def test_bytes_that_are_no_text_are_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "labels.csv")


def test_one_folder_a_class_is_numbered_alphabetically(tmp_path: Path) -> None:
    for name in ("dog", "cat"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    labels = labels_of_folders(tmp_path)
    assert labels is not None
    assert [labels.of(f"{tmp_path}/{name}/1.png", 0) for name in ("cat", "dog")] == [0, 1]


def test_a_flat_folder_has_no_classes(tmp_path: Path) -> None:
    (tmp_path / "1.png").touch()
    assert labels_of_folders(tmp_path) is None


def test_hidden_and_empty_folders_are_no_classes(tmp_path: Path) -> None:
    for name in (".cache", "empty", "zebra"):
        (tmp_path / name).mkdir()
    (tmp_path / ".cache" / "1.png").touch()
    (tmp_path / "zebra" / "deep").mkdir()
    (tmp_path / "zebra" / "deep" / "1.png").touch()
    labels = labels_of_folders(tmp_path)
    assert labels is not None
    assert labels.of("zebra/deep/1.png", 0) == 0
    assert len(labels) == 1
