"""The latency table: how long each layer takes at each width, on the target's own kernels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import onnx_ir as ir

from edgesdk_quant.fingerprint import fingerprint
from edgesdk_quant.graph import node_named, to_bytes
from edgesdk_quant.progress import Progress
from edgesdk_runtimes.errors import OutputError


@dataclass(frozen=True)
class Times:
    """One quantized graph on a target.

    Attributes:
        total_ms: a whole inference as it really runs, operators fused.
        layers_ms: value name -> time of the operator that computes it, alone.
    """

    total_ms: float
    layers_ms: Mapping[str, float]


class Clock(Protocol):
    """Tells how long quantized graphs take."""

    @property
    def name(self) -> str:
        """Where it measures, in words."""

    @property
    def identity(self) -> str:
        """Everything besides the graph that its times depend on: kernels, core, clock."""

    def times(
        self, models: Sequence[ir.Model], wanted: frozenset[str], progress: Progress
    ) -> list[Times]:
        """Times of several graphs, measured side by side.

        Args:
            models: quantized graphs.
            wanted: values whose operators matter.
            progress: told how far it is.
        """


@dataclass(frozen=True)
class LatencyTable:
    """Times of the layers of a model at each width.

    Attributes:
        clock: where they were measured.
        sha256: of all that they depend on: the quantized graphs, the kernels, the core.
        layers_ms: node name -> width of its weights in bits -> time alone, in milliseconds.
        rest_ms: what a whole inference takes besides, less what running operators as one saves.
        total_ms: width -> a whole inference with this width wherever it is allowed.
    """

    clock: str
    sha256: str
    layers_ms: Mapping[str, Mapping[int, float]]
    rest_ms: float
    total_ms: Mapping[int, float]

    def to_json(self) -> str:
        """The table as text that `parse` reads back."""
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def parse(text: str) -> LatencyTable:
        """Read what `to_json` wrote."""
        plain = json.loads(text)
        layers = plain["layers_ms"].items()
        return LatencyTable(
            plain["clock"],
            plain["sha256"],
            {node: {int(bits): ms for bits, ms in each.items()} for node, each in layers},
            plain["rest_ms"],
            {int(bits): ms for bits, ms in plain["total_ms"].items()},
        )

    def latency_ms(self, bits: Mapping[str, int]) -> float:
        """A whole inference with these widths: node name -> bits."""
        return self.rest_ms + sum(self.layers_ms[node][width] for node, width in bits.items())


def measure_latencies(
    variants: Mapping[int, ir.Model],
    widths: Mapping[str, Sequence[int]],
    clock: Clock,
    progress: Progress,
    workdir: Path | None = None,
) -> LatencyTable:
    """Time the layers of a model, or read what an earlier run measured.

    Args:
        variants: width in bits -> the quantized graph with this width wherever it is allowed.
        widths: node name -> its widths, each a key of `variants`.
        clock: measures.
        progress: told how far it is.
        workdir: folder that keeps the table.

    Raises:
        OutputError: the folder cannot be written.
    """
    graphs = [to_bytes(model) for model in variants.values()]
    sha256 = fingerprint([clock.identity, *map(str, variants), *graphs])
    kept = None if workdir is None else workdir / f"latency-{sha256[:16]}.json"
    if kept is not None and kept.is_file():
        found = LatencyTable.parse(kept.read_text(encoding="utf-8"))
        if found.sha256 == sha256:
            return found
    values = {node: _values(next(iter(variants.values())), node) for node in widths}
    wanted = frozenset(name for names in values.values() for name in names)
    times = dict(zip(variants, clock.times([*variants.values()], wanted, progress), strict=True))
    layers = {
        node: {bits: _first(times[bits].layers_ms, values[node]) for bits in allowed}
        for node, allowed in widths.items()
    }
    widest = max(variants)
    rest = times[widest].total_ms - sum(each[max(each)] for each in layers.values())
    totals = {bits: found.total_ms for bits, found in times.items()}
    table = LatencyTable(clock.name, sha256, layers, rest, totals)
    if kept is not None:
        _save(kept, table.to_json())
    return table


def measure_share(
    model: ir.Model, other: ir.Model, clock: Clock, progress: Progress, workdir: Path | None = None
) -> float:
    """What a quantized graph takes as a share of what another takes, timed side by side.

    Args:
        model: the graph.
        other: what it is compared with.
        clock: measures.
        progress: told how far it is.
        workdir: folder that keeps what was measured.

    Raises:
        OutputError: the folder cannot be written.
    """
    sha256 = fingerprint([clock.identity, to_bytes(model), to_bytes(other)])
    kept = None if workdir is None else workdir / f"whole-{sha256[:16]}.json"
    if kept is not None and kept.is_file():
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found["sha256"] == sha256:
            return float(found["share"])
    ours, theirs = clock.times([model, other], frozenset(), progress)
    share = ours.total_ms / theirs.total_ms
    if kept is not None:
        _save(kept, json.dumps({"sha256": sha256, "share": share}))
    return share


def _values(model: ir.Model, name: str) -> list[str]:
    """The value that a node computes, and what an activation fused into it makes of that."""
    node = node_named(model.graph, name)
    found = [value for output in node.outputs for value in (output, *_read_by_one(output))]
    return [str(value.name) for value in found]


def _read_by_one(value: ir.Value) -> list[ir.Value]:
    readers = [use.node for use in value.uses()]
    if len(readers) != 1 or readers[0].op_type == "QuantizeLinear":
        return []
    return list(readers[0].outputs)


def _first(table: Mapping[str, float], names: Sequence[str]) -> float:
    return next((table[name] for name in names if name in table), 0.0)


def _save(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise OutputError(
            f"What was timed cannot be saved in {path.parent} ({error.strerror}); give another "
            "work folder, or none."
        ) from error
