"""QUANTIZE, DEQUANTIZE, CAST: from one type to another."""

from __future__ import annotations

import numpy as np

from edgesdk_quant import numerics
from edgesdk_quant.reference.call import Call, Kernel
from edgesdk_quant.reference.linear import real_weights
from edgesdk_quant.tflite.constants import DTYPES
from edgesdk_runtimes.base import Array


def quantize(call: Call) -> Array:
    """Real or stored values -> stored values of another grid."""
    x = call.value(0)
    if x.dtype.kind == "f":
        return numerics.quantize(x, call.out())
    source, out = call.grid(0), call.out()
    if source.type == out.type and x.dtype.itemsize == 1:
        return numerics.rescale_by_256(x, source, out)
    return numerics.rescale(x, source, out)


def dequantize(call: Call) -> Array:
    """Stored values, or float16, -> float32."""
    return real_weights(call.tensor(0), call.value(0))


def cast(call: Call) -> Array:
    """Change the type; floats lose their fraction, what does not fit is bounded."""
    x, dtype = call.value(0), DTYPES[call.outputs[0].type]
    if x.dtype.kind != "f" or dtype.kind not in "iu":
        return x.astype(dtype)
    limits = np.iinfo(dtype)
    bounded = np.clip(np.nan_to_num(np.trunc(x.astype(np.float64))), limits.min, limits.max)
    return bounded.astype(dtype)


KERNELS: dict[str, Kernel] = {"QUANTIZE": quantize, "DEQUANTIZE": dequantize, "CAST": cast}
