"""Pools that TFLite's windows cannot say: dilated, of three dimensions, with odd borders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk.export.windows import Pads, Window, window_of
from edgesdk_quant.graph import static_shape

LOWEST = float(np.finfo(np.float32).min)
JOINING = {"MaxPool": "Max", "AveragePool": "Add"}


def rewrite_pool(write: Composer, node: ir.Node) -> bool:
    """MaxPool and AveragePool: a Pad in front, each divisor corrected, or tap by tap."""
    shape, outputs = static_shape(node.inputs[0]), static_shape(node.outputs[0])
    if shape is None or outputs is None or (len(node.outputs) > 1 and node.outputs[1].uses()):
        return False
    declared = window_of(node, shape[2:], node.attributes.get_ints("kernel_shape", []))
    window = declared.reaching(outputs[2:])
    tapped = len(window.sizes) > 2 or any(d != 1 for d in window.dilations)
    if not tapped and (node.op_type == "MaxPool" or averages(node, declared, window)):
        return False
    fill = LOWEST if node.op_type == "MaxPool" else 0.0
    padded = _padded(write, node.inputs[0], window.pads, fill)
    if tapped:
        result = _tapped(write, padded, window, outputs[2:], JOINING[node.op_type])
    else:
        sizes = {"kernel_shape": window.kernel, "strides": window.strides}
        result = write("AveragePool", padded, **sizes)
    if node.op_type == "AveragePool":
        taps = 1 if tapped else np.prod(window.kernel)
        border = _border(node, declared)
        divisor = window.counted(outputs[2:], border)
        factor = (taps / divisor).astype(np.float32)[None, None]
        result = write("Mul", result, factor)
    write.replace(result)
    return True


def averages(node: ir.Node, declared: Window, window: Window) -> bool:
    """Whether AVERAGE_POOL_2D counts as the node does: SAME leaves the border out."""
    if any(map(any, _border(node, declared))):
        return window == declared  # a PAD in front that counts
    return bool(window.padding_name())


def _border(node: ir.Node, declared: Window) -> Pads:
    """The part of the padding that counts in a mean."""
    if node.attributes.get_int("count_include_pad", 0):
        return declared.pads
    return ((0, 0),) * len(declared.sizes)


def _padded(write: Composer, x: ir.Value | None, pads: Pads, fill: float) -> ir.Value:
    if not any(map(any, pads)):
        return write("Identity", x)
    flat = [0, 0, *(p[0] for p in pads), 0, 0, *(p[1] for p in pads)]
    return write("Pad", x, flat, fill)


def _tapped(
    write: Composer, x: ir.Value, window: Window, outputs: Sequence[int], join: str
) -> ir.Value:
    """Maximum or sum over each window, one dimension after the other."""
    for i, count in enumerate(outputs):
        stride, taps = window.strides[i], []
        for k in range(window.kernel[i]):
            first = k * window.dilations[i]
            last = first + (count - 1) * stride + 1
            taps.append(write("Slice", x, [first], [last], [i + 2], [stride]))
        x = taps[0]
        for tap in taps[1:]:
            x = write(join, x, tap)
    return x


def rewrite_lp_pool(write: Composer, node: ir.Node) -> bool:
    """(sum of |x|^p)^(1/p): a mean over windows with zeros around, times their size."""
    shape, outputs = static_shape(node.inputs[0]), static_shape(node.outputs[0])
    if shape is None or outputs is None:
        return False
    declared = window_of(node, shape[2:], node.attributes.get_ints("kernel_shape", []))
    window, p = declared.reaching(outputs[2:]), float(node.attributes.get_int("p", 2))
    powers = write("Pow", write("Abs", node.inputs[0]), p)
    padded = _padded(write, powers, window.pads, 0.0)
    mean = write(
        "AveragePool",
        padded,
        kernel_shape=window.kernel,
        strides=window.strides,
        dilations=window.dilations,
    )
    total = write("Mul", mean, float(np.prod(window.kernel)))
    write.replace(write("Pow", total, 1.0 / p))
    return True


def rewrite_global_max_pool(write: Composer, node: ir.Node) -> bool:
    """GlobalMaxPool of other than two spatial dimensions is a maximum over them."""
    rank = len(static_shape(node.inputs[0]) or ())
    if rank in (0, 4):
        return False
    write.replace(write("ReduceMax", node.inputs[0], list(range(2, rank)), keepdims=1))
    return True


RULES = {
    "AveragePool": rewrite_pool,
    "GlobalMaxPool": rewrite_global_max_pool,
    "LpPool": rewrite_lp_pool,
    "MaxPool": rewrite_pool,
}
