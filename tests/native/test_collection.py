"""Real .tflite files of many projects: each runs, or one sentence names all that is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgesdk_runtimes.errors import UnsupportedError
from edgesdk_runtimes.native import NativeRuntime
from tests.native.conftest import EdgeRun
from tests.native.running import random_inputs

pytestmark = pytest.mark.native

# Files of other projects that run now; a change that loses one must say so here.
AT_LEAST_RUN = 38

STREAMING = [
    "micro-wake-word-models__hey_peppa_pig",
    "micro-wake-word-models__okay_nabu",
    "micro-wake-word-models__v2__alexa",
    "micro-wake-word-models__vad",
]
STREAMING_RUNS = 12


def _files(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.glob("*.tflite")))


def test_most_files_run_and_the_rest_say_what_is_missing(
    runtime: NativeRuntime, shared_data: Path
) -> None:
    ran, refused = [], {}
    for path in _files(shared_data / "tflite" / "collection"):
        model = path.read_bytes()
        try:
            session = runtime.open(model)
        except UnsupportedError as error:
            refused[path.name] = str(error)
            continue
        session.run(random_inputs(model, np.random.default_rng(0)))
        session.close()
        ran.append(path.name)
    assert len(ran) >= AT_LEAST_RUN, refused
    for sentence in refused.values():
        assert sentence.startswith("the model needs operators") or "(operator" in sentence


def test_all_benchmark_files_run(runtime: NativeRuntime, shared_data: Path) -> None:
    for path in _files(shared_data / "tflite"):
        model = path.read_bytes()
        runtime.open(model).run(random_inputs(model, np.random.default_rng(0)))


@pytest.mark.parametrize("name", STREAMING)
def test_streaming_state_agrees_with_litert_bit_for_bit(
    runtime: NativeRuntime, shared_data: Path, name: str
) -> None:
    model = (shared_data / "tflite" / "collection" / f"{name}.tflite").read_bytes()
    ours = runtime.open(model)
    theirs = Interpreter(model_content=model, num_threads=1)
    theirs.allocate_tensors()
    (entry,), (exit_,) = theirs.get_input_details(), theirs.get_output_details()
    rng = np.random.default_rng(1)
    for _ in range(STREAMING_RUNS):
        frame = rng.integers(-128, 128, entry["shape"]).astype(np.int8)
        theirs.set_tensor(entry["index"], frame)
        theirs.invoke()
        (mine,) = ours.run([frame])
        np.testing.assert_array_equal(mine, theirs.get_tensor(exit_["index"]))


def test_edge_run_lists_a_model_that_cannot_run(edge_run: EdgeRun, shared_data: Path) -> None:
    model = shared_data / "tflite" / "collection" / "test-data__traffic_model.tflite"
    done = edge_run("info", model)
    assert done.code == 3
    assert "lacks: CUSTOM TFLite_Detection_PostProcess" in done.stderr
    (missing,) = (line for line in done.stdout.splitlines() if "MISSING" in line)
    assert "TFLite_Detection_PostProcess" in missing
