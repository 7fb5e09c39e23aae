"""How long a model takes at a place that tells real time."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgesdk_runtimes.errors import InputError
from edgesdk_targets.places import Place


@dataclass(frozen=True)
class Times:
    """What `edge-run bench` measured: times in milliseconds, memory in bytes."""

    min_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    runs: int
    threads: int
    arena_bytes: int


def time_on(place: Place, program: Path, model: Path, runs: int = 100) -> Times:
    """Time whole runs on one thread.

    Raises:
        InputError: there is no such file.
        CommandError: the program failed there.
        RuntimeMissingError: a tool that the place needs is not installed.
    """
    if not model.is_file():
        raise InputError(f"There is no file {model}; give a .tflite file.")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.tflite").symlink_to(model.resolve())
        words = ["bench", "model.tflite", "--runs", str(runs), "--json"]
        said = json.loads(place.execute(program, words, Path(folder)))
    return Times(**{name: said[name] for name in Times.__dataclass_fields__})
