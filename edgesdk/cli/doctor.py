"""`edgesdk doctor`: what this machine and its installed runtimes can do."""

from __future__ import annotations

import argparse

from edgesdk.cli.options import add_json
from edgesdk.cli.output import print_json, print_table
from edgesdk.cli.verb import Verb
from edgesdk.doctor import Diagnosis, diagnose


def run(options: argparse.Namespace) -> int:
    """Print the diagnosis."""
    found = diagnose()
    if options.json:
        print_json(found)
    else:
        _print(found)
    return 0


def _print(found: Diagnosis) -> None:
    machine = [
        ("edgesdk", f"{found.edgesdk}, Python {found.python}"),
        ("system", found.system),
        ("processor", f"{found.processor}, {found.cores} cores, {found.memory_gb:.1f} GB"),
        ("features", " ".join(found.features) or "unknown"),
    ]
    print_table("Machine", ["", ""], machine)
    print_table(
        "Runtimes",
        ["runtime", "version", "detail"],
        [(s.name, s.version if s.available else "-", s.detail) for s in found.runtimes],
    )
    print_table(
        "Packages",
        ["package", "version", "for"],
        [(p.name, p.version or "-", p.purpose) for p in found.packages],
    )
    for sentence in found.advice:
        print(sentence)


VERB = Verb("what this machine and its installed runtimes can do", add_json, run)
