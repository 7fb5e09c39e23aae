"""What a verb of the command line is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """One verb.

    Attributes:
        help: one line.
        add_arguments: declares its options.
        run: does it and returns the exit code.
        resume: what to do after Ctrl-C.
    """

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    resume: str = "Nothing was written; run the same command again."
