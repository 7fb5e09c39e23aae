"""Opening files that would take the whole process with them."""

from __future__ import annotations

import ai_edge_litert.schema_py_generated as schema
import pytest

import edgesdk
from edgesdk.artifact import read_artifact
from edgesdk.footprint import run_afresh
from edgesdk_runtimes.errors import ModelError
from tests.native.single_op import TensorDef, single_op_model

pytestmark = pytest.mark.native

SHAPE = (1, 2, 2, 4)


def sum_model(output_scale: float) -> bytes:
    """x + y in int8; LiteRT's preparation aborts where the scales are too far apart."""
    x, y = (TensorDef(SHAPE, "int8", None, (0.1,), (0,)) for _ in range(2))
    result = TensorDef(SHAPE, "int8", None, (output_scale,), (0,))
    code = schema.BuiltinOperator.ADD
    return single_op_model(code, schema.AddOptionsT(), [x, y], [result], version=2)


def test_a_file_that_ends_litert_is_refused_and_the_process_lives() -> None:
    hostile = sum_model(1e-30)
    assert run_afresh(read_artifact(hostile), "litert", 1).returncode < 0  # else nothing is shown
    with pytest.raises(ModelError, match=r"LiteRT ends its whole process .*SIG.* malformed: ADD"):
        edgesdk.Runner(hostile, runtime="litert")
    with pytest.raises(ModelError, match="ends its whole process"):
        edgesdk.bench(hostile, ["litert"], rounds=1)


def test_a_sound_file_is_opened_here() -> None:
    runner = edgesdk.Runner(sum_model(0.2), runtime="litert")
    assert [spec.shape for spec in runner.inputs] == [SHAPE, SHAPE]
