"""Operators over the positions of images, as torch expressions."""

from __future__ import annotations

import math

from torch.nn import functional

from edgesdk_quant.torch_graph.call import Call, Expressions, Operands, Result, numbers, torch_pads
from edgesdk_runtimes.errors import UnsupportedError

PLACE = "coordinate_transformation_mode"
REPEATED = ("half_pixel", "asymmetric")
INTERPOLATED = ("half_pixel", "pytorch_half_pixel", "align_corners")


def _conv(call: Call, x: Operands) -> Result:
    rank = x[1].ndim - 2
    if str(call.number("auto_pad", "NOTSET")) not in ("NOTSET", "VALID"):
        raise UnsupportedError(f"{call.node.name} pads automatically; normalize the graph first.")
    pads = call.ints("pads", [0] * (2 * rank))
    even = pads[:rank] == pads[rank:]
    kernel = (functional.conv1d, functional.conv2d, functional.conv3d)[rank - 1]
    return kernel(
        x[0] if even else functional.pad(x[0], torch_pads(pads)),
        x[1],
        x[2] if len(x) > 2 else None,
        stride=call.ints("strides", [1] * rank),
        padding=pads[:rank] if even else 0,
        dilation=call.ints("dilations", [1] * rank),
        groups=call.number("group", 1),
    )


def _conv_transpose(call: Call, x: Operands) -> Result:
    rank = x[1].ndim - 2
    if str(call.number("auto_pad", "NOTSET")) != "NOTSET" or call.ints("output_shape"):
        raise UnsupportedError(f"{call.node.name} pads automatically; normalize the graph first.")
    kernel = (
        functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d,
    )[rank - 1]  # fmt: skip
    whole = kernel(
        x[0],
        x[1],
        x[2] if len(x) > 2 else None,
        stride=call.ints("strides", [1] * rank),
        output_padding=call.ints("output_padding", [0] * rank),
        groups=call.number("group", 1),
        dilation=call.ints("dilations", [1] * rank),
    )
    return functional.pad(whole, [-p for p in torch_pads(call.ints("pads", [0] * (2 * rank)))])


def _max_pool(call: Call, x: Operands) -> Result:
    rank = x[0].ndim - 2
    pads = call.ints("pads", [0] * (2 * rank))
    padded = functional.pad(x[0], torch_pads(pads), value=-math.inf) if any(pads) else x[0]
    kernel = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)[rank - 1]
    return kernel(
        padded,
        call.ints("kernel_shape"),
        call.ints("strides", [1] * rank),
        dilation=call.ints("dilations", [1] * rank),
        ceil_mode=bool(call.number("ceil_mode", 0)),
    )


def _average_pool(call: Call, x: Operands) -> Result:
    rank = x[0].ndim - 2
    pads = call.ints("pads", [0] * (2 * rank))
    counted = bool(call.number("count_include_pad", 0)) or not any(pads)
    if not counted or rank > 2:
        raise UnsupportedError(f"{call.node.name} averages over a border that torch cannot name.")
    kernel = (functional.avg_pool1d, functional.avg_pool2d)[rank - 1]
    padded = functional.pad(x[0], torch_pads(pads)) if any(pads) else x[0]
    return kernel(padded, call.ints("kernel_shape"), call.ints("strides", [1] * rank))


def _global_average(call: Call, x: Operands) -> Result:
    return x[0].mean(dim=tuple(range(2, x[0].ndim)), keepdim=True)


def _depth_to_space(call: Call, x: Operands) -> Result:
    block = int(call.number("blocksize", 1))
    if str(call.number("mode", "DCR")) == "CRD":
        return functional.pixel_shuffle(x[0], block)
    count, depth, height, width = x[0].shape
    parts = x[0].reshape(count, block, block, depth // block**2, height, width)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(count, -1, height * block, width * block)


def _resize(call: Call, x: Operands) -> Result:
    """Images, by the rules that torch has."""
    mode, place = str(call.number("mode", "nearest")), str(call.number(PLACE, "half_pixel"))
    old, size = list(x[0].shape[2:]), _resized(call, x)
    if x[0].ndim == 4 and size and mode == "linear" and place in INTERPOLATED:
        corners = place == "align_corners"
        return functional.interpolate(x[0], size, mode="bilinear", align_corners=corners)
    floors = place == "asymmetric" and str(call.number("nearest_mode", "")) == "floor"
    times = all(n % m == 0 for n, m in zip(size, old, strict=False))
    if size and mode == "nearest" and (floors or (times and place in REPEATED)):
        return functional.interpolate(x[0], size, mode="nearest")
    raise UnsupportedError(f"{call.node.name} resizes by {mode}, {place}, which torch does not.")


def _resized(call: Call, x: Operands) -> list[int]:
    """Height and width; none where a scale does not give whole ones."""
    if sizes := numbers(call, x, 3):
        return [int(n) for n in sizes[2:]]
    exact = [n * s for n, s in zip(x[0].shape, numbers(call, x, 2) or [], strict=True)][2:]
    return [int(n) for n in exact] if all(float(n).is_integer() for n in exact) else []


SPATIAL: Expressions = {
    "AveragePool": _average_pool,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DepthToSpace": _depth_to_space,
    "GlobalAveragePool": _global_average,
    "MaxPool": _max_pool,
    "Resize": _resize,
}
