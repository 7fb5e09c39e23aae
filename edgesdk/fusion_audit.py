"""Which operators a runtime really runs in integers: its own graph is asked, not our intention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnx_ir as ir

from edgesdk_quant.graph import constant, consumers, load
from edgesdk_runtimes.litert import planned_ops
from edgesdk_runtimes.onnxruntime import optimized_model

# ONNX operator -> what ONNX Runtime makes of it when its Q/DQ neighbours fuse into it.
INTEGER_OPS: Mapping[str, frozenset[str]] = {
    "Conv": frozenset({"QLinearConv", "ConvInteger"}),
    "Gemm": frozenset({"QGemm"}),
    "MatMul": frozenset({"QLinearMatMul", "MatMulIntegerToFloat", "MatMulNBits"}),
    "Add": frozenset({"QLinearAdd"}),
    "Mul": frozenset({"QLinearMul"}),
    "AveragePool": frozenset({"QLinearAveragePool"}),
    "GlobalAveragePool": frozenset({"QLinearGlobalAveragePool"}),
    "ReduceMean": frozenset({"QLinearReduceMean"}),
    "Concat": frozenset({"QLinearConcat"}),
    "Sigmoid": frozenset({"QLinearSigmoid"}),
    "LeakyRelu": frozenset({"QLinearLeakyRelu"}),
    "Softmax": frozenset({"QLinearSoftmax"}),
}
# Names of the float operator that ORT may have fused an activation into instead.
FLOAT_OPS: Mapping[str, frozenset[str]] = {
    "Conv": frozenset({"Conv", "FusedConv"}),
    "Gemm": frozenset({"Gemm", "FusedGemm"}),
    "MatMul": frozenset({"MatMul", "FusedMatMul"}),
}
WITH_BIAS = frozenset({"Conv", "Gemm"})
ACTIVATIONS = frozenset({"Relu", "Clip"})
BIAS = 2  # the input that is one


@dataclass(frozen=True)
class Fusion:
    """One kind of operator.

    Attributes:
        op: its name in the artifact, e.g. "Conv".
        fused: how many run in integers (ONNX Runtime) or in the delegate (LiteRT).
        total: how many the artifact has.
        left: names of those that do not, as far as the runtime keeps names.
    """

    op: str
    fused: int
    total: int
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """What a runtime made of an artifact."""

    runtime: str
    fusions: tuple[Fusion, ...]

    @property
    def complete(self) -> bool:
        return all(fusion.fused == fusion.total for fusion in self.fusions)

    def __str__(self) -> str:
        return ", ".join(f"{f.fused}/{f.total} {f.op.lower()}" for f in self.fusions)


def audit_onnxruntime(model: bytes) -> Audit:
    """Compare a QDQ model with the graph that ONNX Runtime optimizes it to on this machine.

    Raises:
        RuntimeMissingError: onnxruntime is not installed.
        ModelError: it refuses the model.
    """
    nodes = list(load(model).graph.all_nodes())
    asked = _quantized_ops(nodes)
    optimized = ir.from_proto(onnx.load_from_string(optimized_model(model)))
    found = list(optimized.graph.all_nodes())
    fusions = []
    for op in INTEGER_OPS:
        total = len(asked.get(op, ()))
        if total:
            fused = sum(node.op_type in INTEGER_OPS[op] for node in found)
            left = () if fused >= total else _left(op, asked[op], found)
            fusions.append(Fusion(op, min(fused, total), total, left))
    blocks = [str(node.name) for node in nodes if _has_blocks(node)]
    if blocks:
        fused = sum(node.op_type == "MatMulNBits" for node in found)
        left = () if fused >= len(blocks) else _left("MatMul", blocks, found)
        fusions.append(Fusion("MatMul in blocks", fused, len(blocks), left))
    if lookups := [node for node in nodes if _is_lookup(node)]:
        whole = tuple(str(node.name) for node in lookups if _dequantized(node.inputs[0]))
        kind = "lookup of stored rows"
        fusions.append(Fusion(kind, len(lookups) - len(whole), len(lookups), whole))
    return Audit("onnxruntime", tuple(fusions))


def _is_lookup(node: ir.Node) -> bool:
    """Whether a node looks up rows of stored integers.

    ONNX Runtime dequantizes a whole table at each run where it stands in front of the lookup.
    """
    if node.op_type != "Gather" or node.inputs[0] is None:
        return False
    if _dequantized(node.inputs[0]):
        maker = node.inputs[0].producer()
        return maker is not None and constant(maker.inputs[0]) is not None
    table = constant(node.inputs[0])
    return table is not None and table.ndim == 2 and table.dtype in (np.int8, np.uint8)


def _quantized_ops(nodes: Iterable[ir.Node]) -> dict[str, list[str]]:
    """Names of the nodes between dequantized operands and a quantized result, by operator.

    Nodes with float activations and stored weights are not among them: they are float on purpose.
    """
    found: dict[str, list[str]] = {}
    for node in nodes:
        operands = node.inputs[:BIAS] if node.op_type in WITH_BIAS else _data(node)
        if node.op_type not in INTEGER_OPS or not _is_quantized(node):
            continue
        if all(_dequantized(value) for value in operands):
            found.setdefault(node.op_type, []).append(node.name or "")
    return found


def _has_blocks(node: ir.Node) -> bool:
    """Whether a node reads weights in blocks: floats otherwise, ONNX Runtime fuses what it can."""
    if node.op_type != "MatMul":
        return False
    producers = [value.producer() for value in node.inputs if value is not None]
    return any(p is not None and p.attributes.get_int("block_size", 0) for p in producers)


def _data(node: ir.Node) -> Sequence[ir.Value | None]:
    """Inputs that are no axes, which are int64."""
    return [value for value in node.inputs if value is None or value.dtype != ir.DataType.INT64]


def _is_quantized(node: ir.Node) -> bool:
    """Whether a quantizer reads the result, or that of the activation behind it."""
    readers = consumers(node.outputs[0])
    if len(readers) == 1 and readers[0].op_type in ACTIVATIONS:
        readers = consumers(readers[0].outputs[0])
    return any(reader.op_type == "QuantizeLinear" for reader in readers)


def _dequantized(value: ir.Value | None) -> bool:
    producer = None if value is None else value.producer()
    return producer is not None and producer.op_type == "DequantizeLinear"


def _left(op: str, names: Sequence[str], found: Sequence[ir.Node]) -> tuple[str, ...]:
    kinds = FLOAT_OPS.get(op, frozenset({op}))
    kept = {node.name for node in found if node.op_type in kinds}
    return tuple(name for name in names if name in kept)


def audit_litert(model: bytes) -> Audit:
    """Count the operators of a .tflite file that LiteRT hands to its XNNPACK delegate.

    Raises:
        RuntimeMissingError: LiteRT is not installed.
        ModelError: it refuses the model.
    """
    ops = planned_ops(model)
    left = tuple(sorted({op.code for op in ops if not op.delegated}))
    taken = sum(op.delegated for op in ops)
    return Audit("litert", (Fusion("delegated", taken, len(ops), left),))
