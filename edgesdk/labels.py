"""Labels of samples: a CSV file in any natural form, or one folder for each class."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path

from edgesdk_runtimes.errors import InputError

FILE_COLUMNS = ("file", "filename", "file_name", "image", "path", "sample", "id")
CLASS_COLUMNS = ("class", "label", "class_id", "label_id", "class_index", "index", "target", "y")
FORMS = (
    "Give a CSV file with a header such as file,class; or lines of file,class; or one class a line "
    "in the order of the files"
)


class Labels:
    """The class of each sample.

    A sample is found by its whole name, its file name, or folder and file name; where the labels
    have no names, by its place.
    """

    def __init__(self, by_name: Mapping[str, int], in_order: tuple[int, ...] = ()) -> None:
        """Take classes by name, or in the order of the samples."""
        self._by_name = dict(by_name)
        self._in_order = in_order

    def __len__(self) -> int:
        return len(self._by_name) or len(self._in_order)

    def skipped(self, count: int) -> Labels:
        """Labels of all samples but the first `count`."""
        return Labels(self._by_name, self._in_order[count:])

    def of(self, name: str, place: int) -> int | None:
        """The class of a sample, None where it has none."""
        if self._in_order:
            return self._in_order[place] if place < len(self._in_order) else None
        parts = Path(name).parts
        endings = (name, *("/".join(parts[-n:]) for n in (1, 2)))
        return next((self._by_name[e] for e in endings if e in self._by_name), None)


def read_labels(path: str | os.PathLike[str]) -> Labels:
    """Read a CSV file of labels; commas, semicolons, tabs and blanks separate.

    Raises:
        InputError: no such file, no class in a line, or a class that is no whole number.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Labels {path} cannot be read ({error}). {FORMS}.") from error
    rows = _rows(text)
    if not rows:
        raise InputError(f"Labels {path} hold no line. {FORMS}.")
    header = [cell.lower() for cell in rows[0]]
    if not any(_is_class(cell) for cell in header):
        return _with_header(path, header, rows[1:])
    if all(len(row) == 1 for row in rows):
        return Labels({}, tuple(_class(path, i + 1, row[0]) for i, row in enumerate(rows)))
    return _without_header(path, rows)


def _rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.strip()]
    separator = next((s for s in ",;\t" if lines and s in lines[0]), " ")
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    return [[cell.strip() for cell in row] for row in rows]


def _with_header(path: str | os.PathLike[str], header: list[str], rows: list[list[str]]) -> Labels:
    file_column = next((header.index(name) for name in FILE_COLUMNS if name in header), None)
    class_column = next((header.index(name) for name in CLASS_COLUMNS if name in header), None)
    if class_column is None:
        raise InputError(
            f"Labels {path} have the columns {header}, and none is a class "
            f"({', '.join(CLASS_COLUMNS)}). {FORMS}."
        )
    short = next((i for i, row in enumerate(rows) if len(row) <= class_column), None)
    if short is not None:
        raise InputError(f"Labels {path}, line {short + 2}: no class in {rows[short]}. {FORMS}.")
    classes = [_class(path, i + 2, row[class_column]) for i, row in enumerate(rows)]
    if file_column is None:
        return Labels({}, tuple(classes))
    return Labels({row[file_column]: c for row, c in zip(rows, classes, strict=True)})


def _without_header(path: str | os.PathLike[str], rows: list[list[str]]) -> Labels:
    found: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        if len(row) < 2:
            raise InputError(f"Labels {path}, line {number}: no class in {row}. {FORMS}.")
        found[row[0]] = _class(path, number, row[1])
    return Labels(found)


def _is_class(cell: str) -> bool:
    return cell.lstrip("+-").isdigit()


def _class(path: str | os.PathLike[str], line: int, cell: str) -> int:
    if not _is_class(cell):
        raise InputError(f"Labels {path}, line {line}: '{cell}' is no class number. {FORMS}.")
    return int(cell)


def labels_of_folders(folder: str | os.PathLike[str]) -> Labels | None:
    """Classes of samples that lie in one folder for each class, numbered alphabetically.

    Returns:
        None where no file lies in a folder. Hidden folders and empty ones are no classes.
    """
    root = Path(folder)
    files = [f.relative_to(root) for f in root.rglob("*") if f.is_file()]
    shown = [f for f in files if len(f.parts) > 1 and not f.parts[0].startswith(".")]
    numbers = {name: i for i, name in enumerate(sorted({f.parts[0] for f in shown}))}
    return Labels({f.as_posix(): numbers[f.parts[0]] for f in shown}) if numbers else None
