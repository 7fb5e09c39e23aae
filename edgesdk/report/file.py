"""A report as a file: the page, or its data."""

from __future__ import annotations

import json
import os
from pathlib import Path

from edgesdk.files import write_atomically
from edgesdk.plain import to_plain
from edgesdk.report.contents import Report
from edgesdk.report.page import page
from edgesdk_runtimes.errors import InputError, OutputError


def write_report(report: Report, path: str | os.PathLike[str]) -> None:
    """Write a page (.html) or the data behind it (.json), as the name ends.

    Raises:
        InputError: the name ends otherwise.
        OutputError: the file cannot be written; what was there before is unharmed.
    """
    target = Path(path)
    check_target(target)
    text = json.dumps(to_plain(report), indent=1) if target.suffix == ".json" else page(report)
    write_atomically(target, text.encode())


def check_target(path: str | os.PathLike[str]) -> None:
    """Refuse a file before any work is done for it.

    Raises:
        InputError: its name ends in neither .html nor .json.
        OutputError: its folder does not exist.
    """
    target = Path(path)
    if target.suffix not in (".html", ".json"):
        raise InputError(f"{path} was given; a report is written as .html or .json.")
    if not target.parent.is_dir():
        raise OutputError(f"{path} cannot be written: there is no folder {target.parent}. Make it.")
