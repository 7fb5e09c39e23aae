"""What a report says, as data: the page is a pure function of it, and so is its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from edgesdk.benchmark import Benchmark
from edgesdk.inspection import Count
from edgesdk.report.bins import Bins
from edgesdk.report.layers import Layers
from edgesdk.report.network import BITS, Constant, Network, Value
from edgesdk.verification import LayerDamage, Verification

# What a layer computes on.
BORDER, FLOAT, WEIGHTS, OTHER = "border", "float", "weights", "other"


@dataclass(frozen=True)
class LayerTime:
    """What a layer costs on the native runtime.

    Attributes:
        kernel: chosen kernel, e.g. "gemm_s8_avx2", and what it runs besides the layer.
        microseconds: fastest of several runs, one thread.
        share: part (0..1) of the whole run.
    """

    kernel: str
    microseconds: float
    share: float


@dataclass(frozen=True)
class Layer:
    """An operator with its activation and Q/DQ: one box of the graph, one row of the table.

    Attributes:
        name: of the operator, as overrides in recipes match it.
        op: operator.
        fused: activations that it applies to its result.
        kind: "int8" or "int16" after its activations, WEIGHTS where only those are integers, FLOAT,
            BORDER for an input or output, OTHER for shapes and indices.
        why_float: why it stayed float, where that is known.
        result: what it gives; None for an output of the network.
        constants: what it reads besides.
        macs: multiply-accumulates in one run; 0 for none or unknown.
        activations: histogram of the float values of its result; None where not observed.
        damage: noise and its cause; None where not compared.
        time: cost on the native runtime; None where not measured.
    """

    name: str
    op: str
    fused: tuple[str, ...]
    kind: str
    why_float: str
    result: Value | None
    constants: tuple[Constant, ...]
    macs: int
    activations: Bins | None = None
    damage: LayerDamage | None = None
    time: LayerTime | None = None

    @property
    def parameters(self) -> int:
        """Number of trained numbers."""
        return sum(constant.size for constant in self.constants if constant.is_parameter)

    @property
    def bits(self) -> str:
        """Widths of weights (w) and activations (a): "w4a8", "a8", "w8", "float", or "" ."""
        stored = [BITS[c.dtype] for c in self.constants if c.scales and c.dtype in BITS]
        weights = f"w{stored[0]}" if stored else ""
        if self.kind.startswith("int"):
            return f"{weights}a{self.kind.removeprefix('int')}"
        return {WEIGHTS: weights, FLOAT: FLOAT}.get(self.kind, "")

    @property
    def stored_bytes(self) -> int:
        """Bytes of its constants in the file, scales left out."""
        return sum(constant.stored_bytes for constant in self.constants)


@dataclass(frozen=True)
class FileSize:
    """A file and where its bytes go.

    Attributes:
        name: file name.
        size_bytes: of the whole file.
        parts: constants by element type, largest first; the rest is the graph and its metadata.
    """

    name: str
    size_bytes: int
    parts: tuple[Count, ...] = ()


class SearchPoint(Protocol):
    """One configuration that a search evaluated, e.g. a point of its Pareto front."""

    @property
    def name(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def metric(self) -> float: ...
    @property
    def latency_ms(self) -> float | None: ...
    @property
    def chosen(self) -> bool: ...


@dataclass(frozen=True)
class FrontPoint:
    """A SearchPoint as the report keeps it.

    Attributes:
        name: of the configuration.
        size_bytes: of its file or weights.
        metric: the higher, the better.
        latency_ms: of one run; None where not measured.
        chosen: this is the one that was taken.
    """

    name: str
    size_bytes: int
    metric: float
    latency_ms: float | None = None
    chosen: bool = False


@dataclass(frozen=True)
class KeptFloat:
    """Operators that stayed float for one reason; "" where the file does not say why."""

    reason: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Advice:
    """One thing to do next.

    Attributes:
        finding: what was seen.
        action: what to do about it.
        command: a command to type, "" where there is none.
        recipe: text of a recipe file that the command names, "" without.
    """

    finding: str
    action: str
    command: str = ""
    recipe: str = ""


@dataclass(frozen=True)
class Report:
    """Everything that the page shows.

    Attributes:
        title: what it is about.
        network: the model file, node by node.
        grouping: which nodes make a layer.
        layers: one for each layer of the grouping, in its order.
        files: the artifacts.
        float_bytes: size of the float model; None where it is not at hand.
        verification: None where nothing was compared.
        on_calibration: whether it was compared on samples that calibration saw.
        benchmark: None where nothing was timed.
        front: what a search found; empty without one.
        metric: what its points are judged by; the higher, the better.
        kept_float: what stayed float and why.
        advice: what to do next, the most useful first.
        recipe: its text; "" where the file was not made by EdgeSDK.
        provenance: versions and hashes.
        notes: sentences on what could not be measured.
    """

    title: str
    network: Network
    grouping: Layers
    layers: tuple[Layer, ...]
    files: tuple[FileSize, ...] = ()
    float_bytes: int | None = None
    verification: Verification | None = None
    on_calibration: bool = False
    benchmark: Benchmark | None = None
    front: tuple[FrontPoint, ...] = ()
    metric: str = "metric"
    kept_float: tuple[KeptFloat, ...] = ()
    advice: tuple[Advice, ...] = ()
    recipe: str = ""
    provenance: Mapping[str, str] | None = None
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Number of trained numbers; what several layers share counts once."""
        trained = {c.name: c.size for x in self.layers for c in x.constants if c.is_parameter}
        return sum(trained.values())
