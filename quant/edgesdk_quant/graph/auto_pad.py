"""Write the padding of windows as numbers, which every reader of the graph understands."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from edgesdk_quant.graph.values import static_shape, value_shape

WINDOWED = frozenset({"Conv", "MaxPool", "AveragePool"})


def write_out_padding(model: ir.Model) -> None:
    """Replace `auto_pad` of convolutions and pools by `pads` where the image size is known."""
    for node in list(model.graph.all_nodes()):
        mode = node.attributes.get_string("auto_pad", "NOTSET")
        if node.op_type not in WINDOWED or mode == "NOTSET":
            continue
        pads = [0] * (2 * len(_kernel(node))) if mode == "VALID" else _same_pads(node, mode)
        if pads is not None:
            node.attributes.pop("auto_pad")
            node.attributes["pads"] = ir.AttrInt64s("pads", pads)


def write_out_rounding(model: ir.Model) -> None:
    """Replace `ceil_mode` by padding behind, which no maximum takes and no mean counts.

    A window that would lie in the padding behind altogether does not exist: the standard says so
    from opset 22 on, and ONNX's shape inference for opset 21 counts it.
    """
    for node in list(model.graph.all_nodes()):
        if node.attributes.get_int("ceil_mode", 0) and (pads := _rounded_pads(node)) is not None:
            node.attributes.pop("ceil_mode")
            node.attributes["pads"] = ir.AttrInt64s("pads", pads)
            _forget_sizes(node.outputs[0])


def _forget_sizes(value: ir.Value) -> None:
    """They may have counted a window that does not exist."""
    if value.shape is not None:
        value.shape = ir.Shape([*value.shape.dims[:2], *[None] * (len(value.shape) - 2)])


def _rounded_pads(node: ir.Node) -> list[int] | None:
    """Pads with which rounding down gives as many windows; None if that changes a mean."""
    image, kernel = value_shape(node.inputs[0]), _kernel(node)
    sizes = [size for size in image[2:] if size is not None] if image is not None else []
    dilations = _ints(node, "dilations", len(kernel))
    if len(sizes) != len(kernel) or any(d != 1 for d in dilations):
        return None
    strides, pads = _ints(node, "strides", len(kernel)), _ints(node, "pads", 2 * len(kernel), 0)
    behind = []
    for i, (size, window) in enumerate(zip(sizes, kernel, strict=True)):
        before, after = pads[i], pads[i + len(kernel)]
        rest = (size + before + after - window) % strides[i]
        start = size + before + after - window - rest + strides[i]  # of the window rounded up to
        added = rest and start < size + before
        behind.append(after + strides[i] - rest if added else after)
    changed = behind != list(pads[len(kernel) :])
    counts = node.attributes.get_int("count_include_pad", 0)
    return None if changed and counts else [*pads[: len(kernel)], *behind]


def _same_pads(node: ir.Node, mode: str) -> list[int] | None:
    """Pads that make ceil(size / stride) windows; SAME_UPPER gives an odd one to the end."""
    image = value_shape(node.inputs[0])
    sizes = [size for size in image[2:] if size is not None] if image is not None else []
    kernel = _kernel(node)
    if not kernel or len(sizes) != len(kernel):
        return None
    strides = _ints(node, "strides", len(kernel))
    dilations = _ints(node, "dilations", len(kernel))
    less, more = [], []
    for size, window, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        reach = (window - 1) * dilation + 1
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
        less.append(total // 2)
        more.append(total - total // 2)
    return less + more if mode == "SAME_UPPER" else more + less


def _kernel(node: ir.Node) -> Sequence[int]:
    own = node.attributes.get_ints("kernel_shape", ())
    if own or node.op_type != "Conv":
        return own
    return (static_shape(node.inputs[1]) or ())[2:]


def _ints(node: ir.Node, name: str, count: int, default: int = 1) -> Sequence[int]:
    return node.attributes.get_ints(name, [default] * count)
