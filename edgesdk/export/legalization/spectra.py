"""Discrete Fourier transforms: products with cosines and sines, a convolution where frames overlap.

X[k] = sum over n of x[n] * exp(-2 * pi * i * k * n / N), as the ONNX standard defines DFT and STFT.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from edgesdk.export.legalization.composer import Composer
from edgesdk_quant.graph import constant, static_shape
from edgesdk_quant.graph.rewrite import input_at
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import UnsupportedError

LARGEST_TABLE = 1 << 24


def rewrite_dft(write: Composer, node: ir.Node) -> bool:
    """A signal [.., N, .., 1 or 2] is turned so that its line is last, and multiplied."""
    shape, axis = static_shape(node.inputs[0]), _number(node, 2, -2)
    length = _number(node, 1, 0)
    if shape is None or axis is None or length is None:
        return False
    axis %= len(shape)
    onesided = bool(node.attributes.get_int("onesided", 0))
    inverse = bool(node.attributes.get_int("inverse", 0))
    if inverse and onesided:
        raise UnsupportedError("an inverse transform of half a spectrum has no definition")
    table = _table(shape[axis], length or shape[axis], onesided=onesided, inverse=inverse)
    table = table[:, : shape[-1]]
    rows, bins = shape[-1] * shape[axis], table.shape[2]
    order = [i for i in range(len(shape) - 1) if i != axis] + [axis, len(shape) - 1]
    outer = [shape[i] for i in order[:-2]]
    turned = write("Transpose", node.inputs[0], perm=order)
    lines = write("Reshape", turned, [*outer, rows])
    product = write("MatMul", lines, table.reshape(rows, bins * 2))
    spectra = write("Reshape", product, [*outer, bins, 2])
    write.replace(write("Transpose", spectra, perm=[int(i) for i in np.argsort(order)]))
    return True


def rewrite_stft(write: Composer, node: ir.Node) -> bool:
    """Frames of a real signal [B, L] or [B, L, 1]: [B, frames, bins, 2]."""
    shape, step, window = static_shape(node.inputs[0]), _number(node, 1), input_at(node, 2)
    held = np.float32(1) if window is None else constant(window)
    length = _number(node, 3, 0 if held is None else held.size)
    if shape is None or not step or not length or held is None or held.size not in (1, length):
        return False
    if shape[2:] not in ((), (1,)):
        raise UnsupportedError("it takes a complex signal; one of real numbers can be written")
    onesided = bool(node.attributes.get_int("onesided", 1))
    table = _table(length, length, onesided=onesided, inverse=False)[:, 0]
    kernels = np.moveaxis(table, 0, -1) * held  # [bins, 2, length]
    bins = kernels.shape[0]
    row = write("Reshape", node.inputs[0], [shape[0], 1, shape[1]])
    waves = kernels.transpose(1, 0, 2).reshape(2 * bins, 1, length).astype(np.float32)
    found = write("Conv", row, waves, strides=[step])
    split = write("Reshape", found, [shape[0], 2, bins, -1])
    write.replace(write("Transpose", split, perm=[0, 3, 2, 1]))
    return True


def _number(node: ir.Node, index: int, default: int = 0) -> int | None:
    """An operand of one integer; None where it is computed."""
    if input_at(node, index) is None:
        return default
    held = constant(node.inputs[index])
    return None if held is None else int(held.item())


def _table(given: int, length: int, *, onesided: bool, inverse: bool) -> Array:
    """float32 [given, part in, bins, part out], parts real and imaginary; 0 behind `length`.

    Raises:
        UnsupportedError: it would fill the memory.
    """
    bins = length // 2 + 1 if onesided else length
    if 4 * given * bins > LARGEST_TABLE:
        raise UnsupportedError(f"a transform of {given} values is too long for a table")
    turns = np.outer(np.arange(given), np.arange(bins)) % length / length
    angles = (2 if inverse else -2) * np.pi * turns
    real, imaginary = np.cos(angles), np.sin(angles)
    rows = np.stack(
        [np.stack([real, imaginary], -1), np.stack([-imaginary, real], -1)], 1
    )  # [given, in, bins, out]
    rows[length:] = 0
    return np.asarray(rows / (length if inverse else 1), np.float32)


RULES = {"DFT": rewrite_dft, "STFT": rewrite_stft}
