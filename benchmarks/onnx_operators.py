"""ONNX's own operator tests through our lowering and a runtime, against ONNX's own answers.

Run: python -m benchmarks.onnx_operators [--runtime native|reference] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edgesdk.capture import capture
from edgesdk.export.tflite import lower
from edgesdk.export.tflite.lowering import LOWERINGS
from edgesdk.layout import SourceLayoutSession, parse_layout
from edgesdk.sessions import find_runtime
from edgesdk_quant.tflite.writer import write_model
from edgesdk_runtimes.errors import EdgeError

Arrays = Sequence[NDArray[Any]]
PASSED = ""
ABSOLUTE = 1e-5  # ONNX allows 1e-7, less than float32 keeps after a sum


@dataclass(frozen=True)
class Outcome:
    """How one test case went.

    Attributes:
        case: name of ONNX's test.
        op: the operator that it tests.
        reason: empty if the results agree, else what stood in the way.
    """

    case: str
    op: str
    reason: str


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all cases of the operators that have a lowering and print the tally."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runtime", default="native", choices=("native", "reference"))
    parser.add_argument("--json", type=Path, help="write every outcome to this file")
    options = parser.parse_args(arguments)
    status = find_runtime(options.runtime).probe()
    if not status.available:
        parser.exit(1, f"{status.detail}\n")
    cases, untyped, foreign = _cases()
    outcomes = [_outcome(case, options.runtime) for case in track(cases, "operator tests")]
    _print(outcomes, options.runtime)
    _print_left_out(untyped, foreign)
    if options.json:
        options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))


def _cases() -> tuple[list[Any], list[Any], Counter[str]]:
    """Cases of operators that we lower; those of foreign types; a count of foreign operators."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every: list[Any] = load_model_tests(kind="node")
    lowered = [case for case in every if {n.op_type for n in case.model.graph.node} <= LOWERED]
    known = {id(case) for case in lowered}
    foreign = Counter(_op(case) for case in every if id(case) not in known)
    typed = [case for case in lowered if _types(case) <= TYPES]
    return typed, [case for case in lowered if not _types(case) <= TYPES], foreign


LOWERED = frozenset(LOWERINGS) | {"Constant", "QuantizeLinear", "DequantizeLinear", "Identity"}


# Element types that TFLite can hold in an ordinary tensor of a network.
TYPES = frozenset({"FLOAT", "INT8", "UINT8", "INT16", "INT32", "INT64", "BOOL"})


def _types(case: Any) -> set[str]:
    """Names of the element types of a model's inputs and outputs."""
    values = (*case.model.graph.input, *case.model.graph.output)
    return {onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type) for value in values}


def _op(case: Any) -> str:
    """The tested operator; an expanded case tests the first one of its body without a lowering."""
    names: list[str] = [node.op_type for node in case.model.graph.node]
    return next((name for name in names if name not in LOWERED), names[0])


def _outcome(case: Any, runtime: str) -> Outcome:
    """Try the model as it is, then with all inputs but the first as constants.

    ONNX's tests feed even shapes and axes at run time, which exported models hold as constants.
    """
    reasons = [_try(case, runtime, constants) for constants in ((), _later_inputs(case))]
    return Outcome(case.name, _op(case), PASSED if PASSED in reasons else reasons[-1])


def _later_inputs(case: Any) -> tuple[int, ...]:
    return tuple(range(1, len(case.model.graph.input)))


def _try(case: Any, runtime: str, constants: Sequence[int]) -> str:
    try:
        for inputs, expected in case.data_sets:
            model = _with_constants(case.model, inputs, constants)
            feeds = [array for i, array in enumerate(inputs) if i not in constants]
            _compare(_run(model, feeds, runtime), expected, case.rtol)
    except EdgeError as error:
        return str(error)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        return f"crash: {type(error).__name__}: {error}"
    except AssertionError as error:
        return f"wrong: {' '.join(str(error).split())}"
    return PASSED


def _with_constants(
    model: onnx.ModelProto, inputs: Arrays, indices: Iterable[int]
) -> onnx.ModelProto:
    """Copy of a model whose inputs at these indices are initializers."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for index in sorted(indices, reverse=True):
        name = copy.graph.input[index].name
        copy.graph.initializer.append(onnx.numpy_helper.from_array(inputs[index], name))
        del copy.graph.input[index]
    return copy


def _run(model: onnx.ModelProto, feeds: Arrays, runtime: str) -> Arrays:
    lowered = lower(capture(model))
    session = find_runtime(runtime).open(write_model(lowered))
    with_layout = SourceLayoutSession(session, parse_layout(lowered.metadata))
    try:
        return with_layout.run(feeds)
    finally:
        with_layout.close()


def _compare(actual: Arrays, expected: Arrays, relative: float) -> None:
    for ours, theirs in zip(actual, expected, strict=True):
        assert ours.shape == np.shape(theirs), f"shape {ours.shape}, expected {np.shape(theirs)}"
        np.testing.assert_allclose(ours, theirs, rtol=relative, atol=ABSOLUTE)


def _print(outcomes: Sequence[Outcome], runtime: str) -> None:
    console = Console()
    total = Counter(outcome.op for outcome in outcomes)
    passed = Counter(outcome.op for outcome in outcomes if outcome.reason == PASSED)
    table = Table("operator", "passed", "of", title=f"ONNX -> TFLite -> {runtime}")
    for op in sorted(total):
        table.add_row(op, str(passed[op]), str(total[op]))
    console.print(table)
    for outcome in outcomes:
        if outcome.reason:
            console.print(f"{outcome.case}: {outcome.reason[:160]}", markup=False, highlight=False)
    console.print(
        f"{passed.total()} of {total.total()} cases of {len(total)} lowered operators pass; of "
        f"{sum(1 for op in total if passed[op])} operators at least one case, of "
        f"{sum(1 for op in total if passed[op] == total[op])} every case.",
        highlight=False,
    )


def _print_left_out(untyped: Sequence[Any], foreign: Counter[str]) -> None:
    types = sorted(set().union(*map(_types, untyped)) - TYPES)
    print(f"Left out: {len(untyped)} cases of other element types ({', '.join(types)});")
    print(
        f"{foreign.total()} cases of {len(foreign)} other operators: {', '.join(sorted(foreign))}"
    )


if __name__ == "__main__":
    main()
