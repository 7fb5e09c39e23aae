"""uint8 files run on the int8 kernels and give the bits of the numpy interpreter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesdk_quant.reference.interpreter import Interpreter
from edgesdk_quant.tflite.model import Model, Operator, OptionValue, Quantization, Subgraph, Tensor
from edgesdk_quant.tflite.writer import write_model
from edgesdk_runtimes.base import Array
from tests.native.running import opened

pytestmark = pytest.mark.native

Options = dict[str, OptionValue]

WINDOW: Options = {"padding": "SAME", "stride_w": 1, "stride_h": 1}
WHOLE: Options = {"dilation_w_factor": 1, "dilation_h_factor": 1}
POOL: Options = {**WINDOW, "filter_width": 2, "filter_height": 2}
SIDE, CHANNELS, CLASSES = 7, 12, 5


class Network:
    """Layers on uint8 tensors with zero points anywhere."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []

    def tensor(self, *shape: int, like: int | None = None) -> int:
        zero = np.array([self.rng.integers(0, 256)])
        how = Quantization(np.array([self.rng.uniform(0.02, 0.1)], np.float32), zero)
        if like is not None:
            how = self.tensors[like].quantization or how
        self.tensors.append(Tensor(f"t{len(self.tensors)}", "UINT8", shape, None, how))
        return len(self.tensors) - 1

    def constant(self, data: Array, scale: float, zero: int) -> int:
        how = Quantization(np.array([scale], np.float32), np.array([zero]))
        kind = {"uint8": "UINT8", "int32": "INT32"}[data.dtype.name]
        self.tensors.append(Tensor(f"c{len(self.tensors)}", kind, data.shape, data, how))
        return len(self.tensors) - 1

    def emit(self, code: str, inputs: list[int], output: int, **options: OptionValue) -> int:
        self.operators.append(Operator(code, tuple(inputs), (output,), options))
        return output

    def linear(self, code: str, x: int, shape: tuple[int, ...], y: int, **o: OptionValue) -> int:
        """Most weights lie near their zero point; in one channel they reach both ends."""
        scale, zero = 0.01, int(self.rng.integers(100, 160))
        axis = 3 if code == "DEPTHWISE_CONV_2D" else 0
        w = np.clip(self.rng.normal(zero, 30, shape), zero - 100, zero + 95)
        np.moveaxis(w, axis, 0)[self.rng.integers(shape[axis])] = self.rng.choice([0, 255])
        weights = self.constant(w.astype(np.uint8), scale, zero)
        quantization = self.tensors[x].quantization
        assert quantization is not None
        bias = self.rng.integers(-3000, 3000, shape[axis]).astype(np.int32)
        b = self.constant(bias, float(quantization.scale[0] * np.float32(scale)), 0)
        return self.emit(code, [x, weights, b], y, fused_activation_function="RELU", **o)


def build(seed: int) -> Model:
    """Convolutions, a sum, pools and a concatenation whose rounding needs the stored integers."""
    n = Network(seed)
    image = (1, SIDE, SIDE, CHANNELS)
    x = n.tensor(1, SIDE, SIDE, 3)
    a = n.linear("CONV_2D", x, (CHANNELS, 3, 3, 3), n.tensor(*image), **WINDOW, **WHOLE)
    b = n.linear(
        "DEPTHWISE_CONV_2D",
        a,
        (1, 3, 3, CHANNELS),
        n.tensor(*image),
        **WINDOW,
        **WHOLE,
        depth_multiplier=1,
    )
    c = n.linear("CONV_2D", b, (CHANNELS, 1, 1, CHANNELS), n.tensor(*image), **WINDOW, **WHOLE)
    none: Options = {"fused_activation_function": "NONE"}
    d = n.emit("ADD", [a, c], n.tensor(*image), **none)
    e = n.emit("AVERAGE_POOL_2D", [d], n.tensor(*image, like=d), **POOL, **none)
    f = n.emit("MAX_POOL_2D", [e], n.tensor(*image, like=d), **POOL, **none)
    wide = n.tensor(1, SIDE, SIDE, 2 * CHANNELS)
    g = n.emit("CONCATENATION", [f, b], wide, axis=3, **none)
    flat = (1, SIDE * SIDE * 2 * CHANNELS)
    h = n.emit("RESHAPE", [g], n.tensor(*flat, like=g), new_shape=flat)
    options: Options = {"weights_format": "DEFAULT", "keep_num_dims": False}
    y = n.linear("FULLY_CONNECTED", h, (CLASSES, flat[1]), n.tensor(1, CLASSES), **options)
    z = n.emit("LOGISTIC", [y], n.tensor(1, CLASSES))
    graph = Subgraph("main", tuple(n.tensors), tuple(n.operators), (x,), (z, d, e))
    return Model((graph,))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2]))
def test_a_uint8_network_has_the_bits_of_the_numpy_interpreter(seed: int, threads: int) -> None:
    model = build(seed)
    image = np.random.default_rng(seed).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    expected = Interpreter(model).run([image])
    session = opened(write_model(model), threads=threads)
    actual = session.run([image])
    session.close()
    assert [a.dtype for a in actual] == [np.dtype(np.uint8)] * 3
    for want, got in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(got, want)


def test_convolutions_of_a_uint8_network_run_on_the_int8_kernels() -> None:
    session = opened(write_model(build(1)), unfused=True)
    kernels = {node.op: node.kernel for node in session.nodes()}
    session.close()
    assert kernels["CONV_2D"].startswith("gemm_s8")
    assert kernels["DEPTHWISE_CONV_2D"].startswith("dwconv_s8")
    assert kernels["FULLY_CONNECTED"].startswith("gemm_s8")


def strided(stride: int) -> bytes:
    """Windows that stand at the first pixel only."""
    n = Network(3)
    far: Options = {"padding": "SAME", "stride_w": stride, "stride_h": stride}
    x = n.tensor(1, SIDE, SIDE, CHANNELS)
    where = [n.tensor(1, 1, 1, CHANNELS) for _ in range(3)]
    n.linear("CONV_2D", x, (CHANNELS, 3, 3, CHANNELS), where[0], **far, **WHOLE)
    deep: Options = {**far, **WHOLE, "depth_multiplier": 1}
    n.linear("DEPTHWISE_CONV_2D", x, (1, 3, 3, CHANNELS), where[1], **deep)
    n.tensors[where[2]] = replace(n.tensors[where[2]], quantization=n.tensors[x].quantization)
    n.emit("MAX_POOL_2D", [x], where[2], **{**POOL, **far}, fused_activation_function="NONE")
    graph = Subgraph("main", tuple(n.tensors), tuple(n.operators), (x,), tuple(where))
    return write_model(Model((graph,)))


def test_a_stride_beyond_the_image_is_one_of_its_size() -> None:
    image = np.random.default_rng(3).integers(0, 256, (1, SIDE, SIDE, CHANNELS), np.uint8)
    sessions = [opened(strided(stride)) for stride in (SIDE, 1073676290)]
    near, far = (session.run([image]) for session in sessions)
    for want, got in zip(near, far, strict=True):
        np.testing.assert_array_equal(got, want)
