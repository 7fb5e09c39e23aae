"""ONNX's own operator tests through our lowering and a runtime, against ONNX's own answers.

Run: python -m benchmarks.onnx_operators [--runtime NAME] [--op NAME] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
from edgesdk.layout import SourceLayoutSession, parse_layout
from edgesdk.sessions import find_runtime
from edgesdk_quant.tflite.writer import write_model
from edgesdk_runtimes.errors import EdgeError

Arrays = Sequence[NDArray[Any]]
PASSED = ""
ABSOLUTE = 1e-5  # ONNX allows 1e-7, less than float32 keeps after a sum
# Element types that TFLite can hold in an ordinary tensor of a network.
TYPES = frozenset({"FLOAT", "INT8", "UINT8", "INT16", "INT32", "INT64", "BOOL"})
FLOAT = onnx.TensorProto.FLOAT
EXPANDED = re.compile(r"(_expanded)?(_ver\d+)?$")  # a test of the same operator as a function
RUNTIMES = ("native", "litert", "reference")


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
    """Run all cases that TFLite's types can hold and print the tally."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runtime", default="native", choices=RUNTIMES)
    parser.add_argument("--op", help="only the tests of this operator")
    parser.add_argument("--json", type=Path, help="write every outcome to this file")
    options = parser.parse_args(arguments)
    status = find_runtime(options.runtime).probe()
    if not status.available:
        parser.exit(1, f"{status.detail}\n")
    cases, untyped = _cases(options.op)
    rows = track(cases.items(), "operator tests")
    outcomes = [
        Outcome(case.name, op, _outcome(case, options.runtime))
        for op, group in rows
        for case in group
    ]
    _print(outcomes, options.runtime)
    print(f"Left out: {untyped} cases of element types that no TFLite network computes with.")
    if options.json:
        options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))


def _cases(only: str | None) -> tuple[dict[str, list[Any]], int]:
    """Cases by operator, and how many have foreign element types."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every: list[Any] = load_model_tests(kind="node")
    plain = {case.name: case.model.graph.node[0].op_type for case in every}
    cases: dict[str, list[Any]] = defaultdict(list)
    typed = [case for case in every if _types(case) <= TYPES]
    for case in typed:
        op = plain.get(EXPANDED.sub("", case.name), plain[case.name])
        if only in (None, op):
            cases[op].append(case)
    return dict(sorted(cases.items())), len(every) - len(typed)


def _types(case: Any) -> set[str]:
    """Names of the element types of a model's inputs and outputs."""
    values = (*case.model.graph.input, *case.model.graph.output)
    return {onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type) for value in values}


def _outcome(case: Any, runtime: str) -> str:
    """Try the model as it is, then with some inputs as constants; the last reason if all fail.

    ONNX's tests feed even shapes and axes at run time, which exported models hold as constants.
    """
    reason = ""
    for constants in _choices(case):
        reason = _try(case, runtime, constants)
        if reason == PASSED:
            break
    return reason


def _choices(case: Any) -> Sequence[tuple[int, ...]]:
    """No inputs, those that are no floats, all but the first; one always stays an input.

    Were all of them constants, the capture would compute the result and nothing would be tested.
    """
    inputs = case.model.graph.input
    whole = [i for i, v in enumerate(inputs) if v.type.tensor_type.elem_type != FLOAT]
    choices = ((), tuple(whole), tuple(range(1, len(inputs))))
    return [c for c in dict.fromkeys(choices) if not c or len(c) < len(inputs)]


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
        assert ours.dtype == theirs.dtype, f"type {ours.dtype}, expected {theirs.dtype}"
        np.testing.assert_allclose(ours, theirs, rtol=relative, atol=ABSOLUTE)


def _print(outcomes: Sequence[Outcome], runtime: str) -> None:
    console = Console(width=140)
    by_op: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_op[outcome.op].append(outcome)
    failed = {op: [o for o in group if o.reason] for op, group in by_op.items()}
    groups = {
        "all": [op for op in by_op if not failed[op]],
        "some": [op for op in by_op if 0 < len(failed[op]) < len(by_op[op])],
        "none": [op for op in by_op if len(failed[op]) == len(by_op[op])],
    }
    for title in ("some", "none"):
        table = Table("operator", "passed", "why not", title=f"Operators that pass {title} cases")
        for op in groups[title]:
            total = len(by_op[op])
            table.add_row(op, f"{total - len(failed[op])} of {total}", _reasons(failed[op]))
        console.print(table, markup=False)
    console.print(f"Operators that pass all cases: {', '.join(groups['all'])}", highlight=False)
    passed = sum(not outcome.reason for outcome in outcomes)
    counts = {title: len(group) for title, group in groups.items()}
    console.print(
        f"ONNX -> TFLite -> {runtime}: {passed} of {len(outcomes)} cases pass; of {len(by_op)} "
        f"operators {counts['all']} pass all, {counts['some']} some, {counts['none']} none.",
        highlight=False,
    )


def _reasons(outcomes: Sequence[Outcome]) -> str:
    """Each reason once, the commonest first."""
    counted: Mapping[str, int] = Counter(_short(outcome.reason) for outcome in outcomes)
    rows = sorted(counted.items(), key=lambda row: -row[1])
    return "\n".join(f"{count} x {reason}" for reason, count in rows)


def _short(reason: str) -> str:
    """The first sentence without the names of this test."""
    inner = re.search(r"of the model's nodes: (.*); keep the", reason)
    text = inner.group(1) if inner else reason
    return re.sub(r"\(\S+\)", "", text)[:110]


if __name__ == "__main__":
    main()
