"""Types and shapes of all values, by ONNX's own inference; a symbolic batch stays symbolic."""

from __future__ import annotations

import onnx
import onnx_ir as ir
from onnx.shape_inference import InferenceError
from onnx_ir.convenience import create_value_mapping

from edgesdk_runtimes.errors import ModelError

# In bytes. Inference reads shapes, axes and the like; it need not copy weights.
LARGEST_READ = 8192
# Operators of which ONNX infers nothing although they keep their operand's type and shape.
KEEPING = frozenset({"GroupNormalization"})


def infer_shapes(model: ir.Model) -> None:
    """Fill in what ONNX can infer, values of shape arithmetic included.

    Raises:
        ModelError: types or shapes contradict each other.
    """
    while True:
        proto = _without_weights(model)
        try:
            inferred = _infer(proto)
        except InferenceError:
            inferred = _infer_undeclared(proto)
        for graph, found in zip(model.graphs(), ir.from_proto(inferred).graphs(), strict=True):
            _adopt(graph, found)
            _take_types_of_weights(graph)
        if not any([_keep_shape(node) for node in model.graph.all_nodes()]):
            return


def _keep_shape(node: ir.Node) -> bool:
    """Write the operand's type and shape on the result; whether that is news."""
    if node.op_type not in KEEPING or node.outputs[0].shape is not None:
        return False
    operand, result = node.inputs[0], node.outputs[0]
    if operand is None or operand.shape is None:
        return False
    result.type, result.shape = operand.type, operand.shape
    return True


def _without_weights(model: ir.Model) -> onnx.ModelProto:
    """A copy in which big weights are inputs: of a weight without data inference would complain."""
    proto = ir.to_proto(model)
    weights = list(proto.graph.initializer)
    del proto.graph.initializer[:]
    declared = {value.name for value in proto.graph.input}
    for tensor in weights:
        if len(tensor.raw_data) <= LARGEST_READ:
            proto.graph.initializer.append(tensor)
        elif tensor.name not in declared:
            proto.graph.input.append(
                onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    return proto


def _infer(proto: onnx.ModelProto) -> onnx.ModelProto:
    return onnx.shape_inference.infer_shapes(
        proto, check_type=True, strict_mode=True, data_prop=True
    )


def _infer_undeclared(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Files declare wrong shapes at times, which runtimes forgive; wrong nodes they do not."""
    del proto.graph.value_info[:]
    for output in proto.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        return _infer(proto)
    except InferenceError as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"the model's types or shapes contradict each other ({reason}); export it again"
        ) from error


def _take_types_of_weights(graph: ir.Graph) -> None:
    """A file may say nothing of what its weights' own data say."""
    for value in graph.initializers.values():
        if value.type is None and value.const_value is not None:
            value.type = ir.TensorType(value.const_value.dtype)
            value.shape = value.const_value.shape  # type: ignore[assignment]


def _adopt(graph: ir.Graph, found: ir.Graph) -> None:
    """Copy types and shapes from values of the same name in a copy of the graph."""
    known = create_value_mapping(found, include_subgraphs=False)
    for name, value in create_value_mapping(graph, include_subgraphs=False).items():
        twin = known.get(name)
        if twin is None:
            continue
        value.type = twin.type if twin.type is not None else value.type
        value.shape = twin.shape if twin.shape is not None else value.shape
