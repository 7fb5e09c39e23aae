"""Options that several verbs share, worded once."""

from __future__ import annotations

import argparse

from edgesdk.sessions import runtime_names
from edgesdk_runtimes.errors import InputError


def add_json(parser: argparse.ArgumentParser) -> None:
    """Declare --json."""
    parser.add_argument("--json", action="store_true", help="print JSON for machines")


def add_data(parser: argparse.ArgumentParser) -> None:
    """Declare --preprocess and --limit."""
    parser.add_argument(
        "--preprocess",
        metavar="STEPS",
        help='how images become arrays, e.g. "crop=224,mean=127,std=128"; default: what the '
        "artifact remembers",
    )
    parser.add_argument("--limit", type=int, help="use only the first samples (default all)")


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """Declare --runtime and --threads."""
    parser.add_argument(
        "--runtime",
        default="auto",
        metavar="NAME",
        help=f"auto (default), {', '.join(runtime_names())}",
    )
    parser.add_argument("--threads", type=int, default=1, help="1 to 64 (default 1)")


def names(text: str) -> list[str]:
    """Split `a,b`."""
    return [part.strip() for part in text.split(",") if part.strip()]


def numbers(text: str) -> list[int]:
    """Split `1,2` into numbers.

    Raises:
        InputError: a part is no whole number.
    """
    try:
        return [int(part) for part in names(text)]
    except ValueError:
        raise InputError(f"'{text}' was given; give whole numbers such as 1,2.") from None
