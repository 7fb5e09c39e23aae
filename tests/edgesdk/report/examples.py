"""A small report with something in every section."""

from __future__ import annotations

from edgesdk.benchmark import Benchmark, Timing
from edgesdk.fusion_audit import Audit, Fusion
from edgesdk.inspection import Count
from edgesdk.report.bins import Bins
from edgesdk.report.contents import (
    Advice,
    FileSize,
    FrontPoint,
    KeptFloat,
    LayerTime,
    Report,
)
from edgesdk.report.findings import Findings, describe_layers
from edgesdk.report.layers import group_layers
from edgesdk.report.network import Constant, Grid, Network, Node, Value
from edgesdk.verification import Cause, LayerDamage, RuntimeResult, Verification

GRID = Grid("UINT8", 0.02, 0, 0.0, 5.1)
RECIPE = 'name = "w8a8"\ndescription = ""\n\n[weights]\nbits = 8\n\n[activations]\nbits = 8\n'


def network(name: str = "conv") -> Network:
    """Input, Q, DQ, Conv, Relu, Q, DQ, Output."""
    weight = Constant("w", "INT8", (4, 3, 3, 3), 108, 4, True, Bins(-1.0, 1.0, (3, 5, 2)))
    shape = (None, 3, 8, 8)
    nodes = (
        Node("x", "Input", (), (Value("x", "FLOAT", shape, GRID),)),
        Node("x_q", "QuantizeLinear", ("x",), (Value("xq", "UINT8", shape),)),
        Node("x_dq", "DequantizeLinear", ("xq",), (Value("xd", "FLOAT", shape),)),
        Node(name, "Conv", ("xd",), (Value("c", "FLOAT", shape),), (weight,), 6912),
        Node("relu", "Relu", ("c",), (Value("r", "FLOAT", shape, GRID),)),
        Node("r_q", "QuantizeLinear", ("r",), (Value("rq", "UINT8", shape),)),
        Node("r_dq", "DequantizeLinear", ("rq",), (Value("y", "FLOAT", shape),)),
        Node("soft", "Softplus", ("y",), (Value("z", "FLOAT", shape),)),
        Node("z", "Output", ("z",), ()),
    )
    return Network("model.onnx", "onnx", nodes)


def verification(top1: float | None = 90.0, samples: int = 1000) -> Verification:
    """Three runtimes, one of which differs from the simulation."""
    results = (
        RuntimeResult("model.tflite", "reference", top1, 95.0, 22.0, 0, 1000),
        RuntimeResult("model.onnx", "onnxruntime", top1, 95.0, 22.0, 7, 1000, 1.0),
        RuntimeResult("model.tflite", "litert", top1, 95.0, 22.0, 0, 1000),
        RuntimeResult("model.tflite", "native", top1, 95.0, 22.0, 0, 1000),
    )
    audits = (Audit("onnxruntime", (Fusion("Conv", 0, 1, ("conv",)),)),)
    exact = None if top1 is None else 91.0
    return Verification(
        ("model.onnx", "model.tflite"), samples, exact, results, audits, (), (), (), ()
    )


def report(name: str = "conv", sqnr_db: float = 21.5, cause: str = "weights") -> Report:
    """The report of `network`."""
    made = network(name)
    grouping = group_layers(made)
    damage = LayerDamage("r", "CONV_2D", sqnr_db, 3.0, 0.001, Cause(cause, f"because of {name}"))
    found = Findings(
        {"r": damage},
        {"r": LayerTime("conv_s8", 12.5, 0.9)},
        {"r": Bins(0.0, 8.0, (9, 4, 1, 1))},
        {"soft": f"target {name} has no integer Softplus"},
    )
    return Report(
        title=f"{name}.onnx",
        network=made,
        grouping=grouping,
        layers=describe_layers(made, grouping, found),
        files=(FileSize("model.tflite", 1000, (Count("INT8", 1, 108),)),),
        float_bytes=3750,
        verification=verification(),
        benchmark=Benchmark(
            "model.onnx", 5, (Timing("litert", 1, 9, 4.0, 4.5, 5.0, 1.0, 50.0),), ()
        ),
        front=(FrontPoint(name, 1000, 90.0, 4.5, True), FrontPoint("b", 2000, 91.0)),
        kept_float=(KeptFloat("no integer Softplus", ("soft",)),),
        advice=(
            Advice(
                f"{name} loses",
                "quantize again",
                "edgesdk quantize model.onnx --recipe careful.toml",
                '[[override]]\npattern = "conv"\n',
            ),
        ),
        recipe=RECIPE,
        provenance={"edgesdk": "0.1.0", "SHA-256": name},
        notes=(f"a note on {name}",),
    )
