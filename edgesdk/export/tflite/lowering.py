"""Walk a Graph in order and lower each node by the function that the registry names."""

from __future__ import annotations

import json
from collections import Counter

import onnx_ir as ir

from edgesdk.export.legalization import legalize
from edgesdk.export.legalization.rules import OBSTACLE
from edgesdk.export.tflite import (
    blocks,
    control,
    convolution,
    dense,
    elementwise,
    movement,
    normalization,
    pooling,
    ranking,
    reduction,
    resizing,
    transposed_convolution,
)
from edgesdk.export.tflite.scope import Program, Scope
from edgesdk.export.tflite.tensors import CHANNELS_LAST, Place, static_shape
from edgesdk_quant.graph.batch import with_batch_of_one
from edgesdk_quant.graph.folding import fold_constants
from edgesdk_quant.graph.shapes import infer_shapes
from edgesdk_quant.recipe import Recipe
from edgesdk_quant.tflite.model import Model, Subgraph
from edgesdk_runtimes.errors import RecipeError, UnsupportedError

LOWERINGS = {
    **blocks.LOWERINGS,
    **control.LOWERINGS,
    **convolution.LOWERINGS,
    **dense.LOWERINGS,
    **elementwise.LOWERINGS,
    **movement.LOWERINGS,
    **normalization.LOWERINGS,
    **pooling.LOWERINGS,
    **ranking.LOWERINGS,
    **reduction.LOWERINGS,
    **resizing.LOWERINGS,
    **transposed_convolution.LOWERINGS,
}
# Operators that work on images, whose inputs are best kept NHWC from the start.
SPATIAL = {
    *("Conv", "ConvTranspose", "DepthToSpace", "SpaceToDepth", "Resize", "Upsample"),
    *("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"),
}
METADATA = (
    *(
        "recipe",
        "version",
        "data_sha256",
        "source_sha256",
        "preprocess",
        "channel_factors",
        "finetuning",
    ),
)
OLDEST_RUNTIME = b"1.14.0".ljust(16, b"\0")
MOST_NAMED = 5


def lower(graph: ir.Model) -> Model:
    """Lower a Graph in normal form, float or quantized; an open batch becomes 1.

    Returns:
        The TFLite model: NHWC, float inputs and outputs, with `edgesdk.*` metadata.

    Raises:
        UnsupportedError: its `needs` are all operators, shapes and attributes that TFLite lacks.
    """
    graph = _ready(graph)
    scope = Scope(graph.graph, Program(_lower_node, _is_dynamic(graph)))
    images = {len(value_shape) for value_shape in _spatial_ranks(graph.graph)}
    obstacles = [text for value in graph.graph.inputs if (text := _input(scope, value, images))]
    obstacles += scope.obstacles()
    if obstacles:
        raise UnsupportedError(_refusal(obstacles), obstacles)
    outputs = [_output(scope, value, images) for value in graph.graph.outputs]
    return _model(graph, scope, outputs)


def _is_dynamic(graph: ir.Model) -> bool:
    """What the recipe in the graph says of linear layers with float activations."""
    try:
        return Recipe.parse(graph.metadata_props.get("edgesdk.recipe", "")).weights.dynamic
    except RecipeError:
        return False


def _refusal(obstacles: list[str]) -> str:
    """The first obstacles, the rest counted by operator."""
    named, rest = obstacles[:MOST_NAMED], obstacles[MOST_NAMED:]
    counts = Counter(text.partition(" ")[0] for text in rest)
    more = ", ".join(f"{count} {op}" for op, count in counts.most_common())
    return (
        f"TFLite cannot take {len(obstacles)} of the model's nodes: {'; '.join(named)}; "
        + (f"and {len(rest)} more ({more}); " if rest else "")
        + "keep the .onnx artifact for this model, or rewrite these operators"
    )


def _ready(graph: ir.Model) -> ir.Model:
    """A copy with closed shapes and only such operators as the registry has, where possible."""
    closed = with_batch_of_one(graph)
    infer_shapes(closed)
    if any(node.op_type == "Shape" for node in closed.graph.all_nodes()):
        fold_constants(closed)  # the batch is known now: a Resize to the size of another image, say
        infer_shapes(closed)
    return legalize(closed, frozenset(LOWERINGS) | QUANTIZERS.keys())


def _spatial_ranks(graph: ir.Graph) -> list[tuple[int, ...]]:
    nodes = (node for node in graph if node.op_type in SPATIAL)
    return [static_shape(node.outputs[0]) for node in nodes if node.outputs[0].shape is not None]


def _input(scope: Scope, value: ir.Value, images: set[int]) -> str:
    """Declare an input; what stands in the way, as text, or ""."""
    try:
        rank = len(static_shape(value))
        order = tuple(range(rank))
        scope.declare(value, CHANNELS_LAST.get(rank, order) if rank in images else order)
    except UnsupportedError as error:
        scope.refused.add(value)
        return f"input {error}"
    return ""


def _lower_node(scope: Scope, node: ir.Node) -> str:
    """Lower one node; what stands in the way, as text, or ""."""
    if node in scope.done:
        return ""
    if not scope.refused.isdisjoint(node.inputs):  # its source is named already
        scope.refused.update(node.outputs)
        return ""
    lowering = QUANTIZERS.get(node.op_type) or LOWERINGS.get(node.op_type)
    try:
        if lowering is None:
            raise UnsupportedError(node.meta.get(OBSTACLE, "there is no such operator"))
        lowering(scope, node)
    except UnsupportedError as error:
        scope.refused.update(node.outputs)
        return f"{node.op_type} ({node.name}): {error}"
    return ""


def _quantize(scope: Scope, node: ir.Node) -> None:
    """A QuantizeLinear that no operator took into its own result."""
    value = node.inputs[0]
    if value is None:
        raise UnsupportedError("it has no input")
    place = scope.place(value, integer=False)
    kind, quantization = scope.quantization(node)
    name = f"{value.name}_quantized"
    result = scope.out.add(name, kind, scope.out.shape(place.tensor), quantization)
    scope.out.emit("QUANTIZE", [place.tensor], [result])
    scope.places[node.outputs[0]] = Place(result, place.permutation)


def _dequantize(scope: Scope, node: ir.Node) -> None:
    """Nothing: whoever reads the value asks for integers or floats."""


QUANTIZERS = {"QuantizeLinear": _quantize, "DequantizeLinear": _dequantize}


def _output(scope: Scope, value: ir.Value, images: set[int]) -> int:
    """Images stay as inputs are, NHWC; what a lowering only turned otherwise is turned back."""
    place = scope.place(value, integer=False)
    rank = len(place.permutation)
    order = tuple(range(rank))
    if rank not in images or place.permutation != CHANNELS_LAST.get(rank):
        place = Place(scope.arranged(value, place, order), order)
    if scope.is_given(place.tensor):
        copy = scope.out.like(f"{value.name}_copy", place.tensor, scope.out.shape(place.tensor))
        scope.reshape(place.tensor, copy)
        place = Place(copy, place.permutation)
    scope.places[value] = place
    scope.out.rename(place.tensor, str(value.name))
    return place.tensor


def _model(graph: ir.Model, scope: Scope, outputs: list[int]) -> Model:
    inputs = [scope.places[value].tensor for value in graph.graph.inputs]
    main = Subgraph(
        "main",
        tuple(scope.out.tensors),
        tuple(scope.out.operators),
        tuple(inputs),
        tuple(outputs),
    )
    return Model((main, *scope.program.subgraphs), "EdgeSDK", _metadata(graph, scope))


def _metadata(graph: ir.Model, scope: Scope) -> dict[str, bytes]:
    layout = [
        {"name": str(value.name), "permutation": list(scope.places[value].permutation)}
        for value in (*graph.graph.inputs, *graph.graph.outputs)
    ]
    ours = {
        f"edgesdk.{key}": text.encode()
        for key in METADATA
        if (text := graph.metadata_props.get(f"edgesdk.{key}"))
    }
    return {
        "min_runtime_version": OLDEST_RUNTIME,
        **ours,
        "edgesdk.layout": json.dumps(layout).encode(),
    }
