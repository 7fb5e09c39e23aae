"""`edgesdk quantize --max-drop`: the accuracy-aware loop on the command line."""

from __future__ import annotations

import argparse
from typing import Any

from edgesdk.accuracy_loop import quantize_until
from edgesdk.attempts import Attempt, Outcome
from edgesdk.cli.output import in_bytes


def add_loop_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the loop."""
    parser.add_argument(
        "--max-drop", type=float, metavar="POINTS",
        help="try better and dearer algorithms until top-1 on real kernels drops no more",
    )  # fmt: skip
    parser.add_argument(
        "--max-minutes", type=float, default=20.0, metavar="M",
        help="with --max-drop: give up the step that is not done then (default 20)",
    )  # fmt: skip
    parser.add_argument(
        "--test", metavar="DATA",
        help="with --max-drop: what it is measured on (default: what --limit leaves)",
    )  # fmt: skip
    parser.add_argument(
        "--labels", metavar="CSV", help="with --max-drop: classes of the test data; without them "
        "the answers are compared with the float model's",
    )  # fmt: skip


def escalate(options: argparse.Namespace, model: Any, **rest: Any) -> Outcome:
    """`edgesdk.quantize_until`, each step told as soon as it is measured."""

    def tell(attempt: Attempt) -> None:
        if not options.json:
            print(describe(attempt), flush=True)

    outcome = quantize_until(
        model,
        test=options.test,
        labels=options.labels,
        max_drop=options.max_drop,
        max_minutes=options.max_minutes,
        tell=tell,
        **rest,
    )
    if not options.json:
        print(conclude(outcome))
    return outcome


def describe(attempt: Attempt) -> str:
    """One step in a line."""
    drop = attempt.drop
    if drop is None:
        return f"{attempt.step}: left out. {attempt.refusal}"
    verdict = "holds" if attempt.holds else "drops too much"
    took = f"{attempt.minutes:.1f} min" if attempt.minutes else "measured before"
    return (
        f"{attempt.step}: {drop.score:.2f} %, {drop.points:.2f} points lost on {drop.runtime}, "
        f"{in_bytes(drop.size_bytes)}, {took}: {verdict}"
    )


def conclude(outcome: Outcome) -> str:
    """What the figures mean, and what came out."""
    score = outcome.float_score
    if score is None:
        about = "Without labels the figures are answers that agree with the float model's."
    else:
        about = f"The figures are top-1; the float model has {score:.2f} %."
    return f"{about}\n{outcome.sentence}"
