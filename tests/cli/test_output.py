"""Tables and JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from edgesdk.cli.output import in_bytes, print_json, print_table


@dataclass(frozen=True)
class Inner:
    value: float
    dtype: np.dtype[np.int8]


def test_json_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(Inner(float("nan"), np.dtype(np.int8)))
    assert json.loads(capsys.readouterr().out) == {"value": "nan", "dtype": "int8"}


def test_tables_need_no_rich(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rich.table", None)
    print_table("Title", ["name", ">count"], [("a", "1"), ("longer", "200")])
    assert capsys.readouterr().out == "Title\n  name    count\n  a           1\n  longer    200\n\n"


def test_brackets_in_names_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("T", ["name"], [("layer[bold]x[/bold]",)])
    assert "layer[bold]x[/bold]" in capsys.readouterr().out


def test_a_table_without_rows_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Title", ["name"], [])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("size", "text"), [(999, "999 B"), (1500, "1.50 kB"), (5_249_208, "5.25 MB")]
)
def test_sizes_are_decimal(size: int, text: str) -> None:
    assert in_bytes(size) == text
