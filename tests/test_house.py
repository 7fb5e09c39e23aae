"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = {".py", ".c", ".h"}


def tracked_files() -> list[Path]:
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: the list of tracked files is unknown")
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def code_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix in CODE]


def test_no_code_file_is_longer_than_800_lines() -> None:
    long = {p.name: n for p in code_files() if (n := len(p.read_text().splitlines())) > 800}
    assert not long


def test_no_module_is_named_after_nothing() -> None:
    banned = re.compile(r"(^|_)(utils?|helpers?|common|manager)(_|$)")
    assert not [p for p in code_files() if banned.search(p.stem)]


def test_every_python_module_says_what_it_is() -> None:
    silent = [
        path.relative_to(ROOT)
        for path in code_files()
        if path.suffix == ".py" and path.read_text().strip()
        if ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert not silent


def test_no_input_is_checked_by_assert() -> None:
    """An assert vanishes under python -O and tells a user nothing; tests may use it."""
    shipped = ("edgesdk", "quant", "runtimes", "targets")
    guilty = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in code_files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in shipped
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assert)
    ]
    assert not guilty


def test_nothing_is_left_to_do() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
    guilty = [p.relative_to(ROOT) for p in code_files() if p != Path(__file__)]
    assert not [path for path in guilty if marks.search((ROOT / path).read_text())]


def test_the_c_library_never_prints_exits_or_aborts() -> None:
    """The program edge-run may; the library may not."""
    calls = re.compile(r"\b(printf|fprintf|puts|abort|exit|assert)\s*\(")
    library = [ROOT / "native" / part for part in ("src", "ops", "kernels")]
    guilty = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in code_files()
        if any(part in path.parents for part in library)
        for line in path.read_text().splitlines()
        if calls.search(line) and not line.lstrip().startswith(("/*", "*"))
    ]
    assert not guilty
