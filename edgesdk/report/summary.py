"""The summary of the page: size, accuracy and latency, as figures and as tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgesdk.benchmark import Timing
from edgesdk.report.contents import Report
from edgesdk.report.markup import Markup, tag
from edgesdk.report.sections import section, table
from edgesdk.report.wording import (
    MISSING,
    count,
    decibel,
    in_bytes,
    milliseconds,
    percent,
)
from edgesdk.verification import RuntimeResult, Verification

SIMULATION = "reference"


def summary(report: Report) -> Markup:
    """Size, accuracy and latency, as figures and as a table of runtimes."""
    figures = [figure for figure in (make(report) for make in FIGURES) if figure]
    parts: list[str] = [tag("div", *figures, class_="figures")]
    if report.verification is not None:
        parts += [_runtimes(report.verification, report)]
    elif report.benchmark is not None:
        parts += [_timings(report.benchmark.timings)]
    if any(file.parts for file in report.files):
        parts.append(_bytes(report))
    parts += [tag("p", note, class_="note") for note in _notes(report)]
    return section("summary", "Summary", *parts)


def _figure(label: str, value: str, detail: str) -> Markup:
    return tag(
        "div",
        tag("dt", label),
        tag("dd", tag("strong", value), tag("span", detail)),
        class_="figure",
    )


def _size(report: Report) -> str:
    if not report.files:
        return ""
    smallest = min(report.files, key=lambda file: file.size_bytes)
    if not report.float_bytes:
        return _figure("Size", in_bytes(smallest.size_bytes), smallest.name)
    ratio = report.float_bytes / smallest.size_bytes
    detail = f"{smallest.name}; float {in_bytes(report.float_bytes)}, {ratio:.2f} times larger"
    return _figure("Size", in_bytes(smallest.size_bytes), detail)


def _accuracy(report: Report) -> str:
    proof = report.verification
    results = [] if proof is None else [r for r in proof.results if not r.failure]
    if proof is None or not results:
        return ""
    top1 = [r.top1 for r in results if r.top1 is not None]
    if proof.float_top1 is not None and top1:
        least = min(top1)
        change = least - proof.float_top1
        detail = f"float {proof.float_top1:.2f} %, {change:+.2f} points; {proof.samples} samples"
        return _figure("Top-1 accuracy", f"{least:.2f} %", detail)
    agreement = [r.agreement for r in results if r.agreement is not None]
    if agreement:
        detail = f"same best class as the float model; {proof.samples} samples"
        return _figure("Agreement", f"{min(agreement):.2f} %", detail)
    return ""


def _noise(report: Report) -> str:
    proof = report.verification
    found = [] if proof is None else [r.sqnr_db for r in proof.results if r.sqnr_db is not None]
    if not found:
        return ""
    return _figure("Output SQNR", f"{decibel(min(found))} dB", "signal to quantization noise")


def _same_bits(report: Report) -> str:
    proof = report.verification
    results = [] if proof is None else proof.results
    compared = [r for r in results if r.different is not None and r.runtime != SIMULATION]
    if not compared:
        return ""
    same = sum(r.different == 0 for r in compared)
    detail = "runtimes whose outputs equal the simulation's"
    return _figure("Bit for bit", f"{same} of {len(compared)}", detail)


def _latency(report: Report) -> str:
    if report.benchmark is None:
        return ""
    best = min(report.benchmark.timings, key=lambda timing: timing.p50_ms)
    detail = f"{best.runtime}, {best.threads} thread{'s' * (best.threads > 1)}, median"
    return _figure("Latency here", f"{milliseconds(best.p50_ms)} ms", detail)


def _network(report: Report) -> str:
    macs = sum(layer.macs for layer in report.layers)
    cost = f"{count(macs)} multiply-accumulates" if macs else f"{len(report.layers)} layers"
    return _figure("Parameters", count(report.parameters), cost)


FIGURES: Sequence[Callable[[Report], str]] = (
    _size,
    _accuracy,
    _noise,
    _same_bits,
    _latency,
    _network,
)


def _runtimes(proof: Verification, report: Report) -> Markup:
    timings = {} if report.benchmark is None else {t.runtime: t for t in report.benchmark.timings}
    first = ("float model", "onnxruntime", percent(proof.float_top1), "", "", "", "")
    rows = [_result_row(r, timings.get(r.runtime)) for r in proof.results if not r.failure]
    columns = ["file", "runtime", ">top-1 %", ">agrees with float %", ">SQNR dB"]
    return table(
        "Runtimes",
        [*columns, ">differs from simulation", ">median ms"],
        [first, *rows],
    )


def _result_row(result: RuntimeResult, timing: Timing | None) -> tuple[str, ...]:
    simulated = result.runtime == SIMULATION
    return (
        result.artifact,
        "simulation (numpy)" if simulated else result.runtime,
        percent(result.top1),
        percent(result.agreement),
        decibel(result.sqnr_db),
        "" if simulated else _difference(result),
        "" if timing is None else milliseconds(timing.p50_ms),
    )


def _difference(result: RuntimeResult) -> str:
    if result.different is None:
        return MISSING
    if not result.different:
        return "nowhere"
    steps = result.largest_in_words
    return f"{result.different:,} of {result.elements:,} values, {steps}"


def _timings(timings: Sequence[Timing]) -> Markup:
    rows = [(t.runtime, str(t.threads), f"{t.min_ms:.3f}", f"{t.p50_ms:.3f}") for t in timings]
    return table("Timings", ["runtime", ">threads", ">fastest ms", ">median ms"], rows)


def _bytes(report: Report) -> Markup:
    """Where the bytes of each file go."""
    rows = []
    for file in report.files:
        known = sum(part.size_bytes for part in file.parts)
        parts = [(p.name, str(p.count), p.size_bytes) for p in file.parts]
        parts.append(("graph, names, metadata", "", file.size_bytes - known))
        rows += [
            (file.name, kind, many, in_bytes(size), f"{100 * size / file.size_bytes:.1f}")
            for kind, many, size in parts
        ]
    whole = table("Bytes", ["file", "what", ">constants", ">size", ">%"], rows)
    return tag("details", tag("summary", "Where the bytes go"), whole)


def _notes(report: Report) -> list[str]:
    notes = [*report.network.notes, *report.notes]
    if report.verification is not None:
        proof = report.verification
        failed = [r for r in proof.results if r.failure]
        notes += [f"{r.artifact} does not run on {r.runtime}: {r.failure}" for r in failed]
        notes += [*proof.notes, *proof.missed]
    return notes
