"""DepthToSpace and SpaceToDepth: TFLite's channels are in DCR order, CRD ones are picked first.

Where a convolution makes them it has made them in DCR order (legalization/channel_order.py).
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.channel_order import crd_order
from edgesdk.export.tflite.scope import Scope, channels_last
from edgesdk.export.tflite.tensors import static_shape
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError


def lower_depth_to_space(scope: Scope, node: ir.Node) -> None:
    """DEPTH_TO_SPACE, behind a GATHER of channels in CRD mode."""
    value, block = _operand(node)
    integer = _moves_integers(scope, node, value)
    tensor = scope.tensor(value, channels_last(4), integer=integer)
    if _is_crd(node):
        order = crd_order(scope.out.shape(tensor)[3], block)
        tensor = _picked(scope, tensor, order)
    result = scope.result(node.outputs[0], channels_last(4), integer=integer)
    scope.out.emit("DEPTH_TO_SPACE", [tensor], [result], block_size=block)


def lower_space_to_depth(scope: Scope, node: ir.Node) -> None:
    """SPACE_TO_DEPTH, in front of a GATHER of channels in CRD mode."""
    value, block = _operand(node)
    integer = _moves_integers(scope, node, value)
    tensor = scope.tensor(value, channels_last(4), integer=integer)
    result = scope.result(node.outputs[0], channels_last(4), integer=integer)
    if not _is_crd(node):
        scope.out.emit("SPACE_TO_DEPTH", [tensor], [result], block_size=block)
        return
    shape = scope.out.shape(result)
    blocks = scope.out.like(f"{node.name}_blocks", result, shape)
    scope.out.emit("SPACE_TO_DEPTH", [tensor], [blocks], block_size=block)
    _pick(scope, blocks, np.argsort(crd_order(shape[3], block)), result)


def _operand(node: ir.Node) -> tuple[ir.Value, int]:
    value = node.inputs[0]
    if value is None or len(static_shape(value)) != 4:
        raise UnsupportedError("other than an image of two spatial dimensions")
    return value, node.attributes.get_int("blocksize", 1)


def _moves_integers(scope: Scope, node: ir.Node, value: ir.Value) -> bool:
    """LiteRT moves no blocks of 16 bits: these go as floats, and come back as they were."""
    return scope.keeps_scale(node, [value]) and scope.quantized_type(value) != "INT16"


def _is_crd(node: ir.Node) -> bool:
    return node.attributes.get_string("mode", "DCR") == "CRD"


def _picked(scope: Scope, tensor: int, order: Array) -> int:
    name = f"{scope.out.tensors[tensor].name}_picked"
    result = scope.out.like(name, tensor, scope.out.shape(tensor))
    _pick(scope, tensor, order, result)
    return result


def _pick(scope: Scope, tensor: int, order: Array, result: int) -> None:
    name = f"{scope.out.tensors[result].name}_order"
    indices = scope.out.constant(name, order.astype(np.int32))
    scope.out.emit("GATHER", [tensor, indices], [result], axis=3, batch_dims=0)


LOWERINGS = {"DepthToSpace": lower_depth_to_space, "SpaceToDepth": lower_space_to_depth}
