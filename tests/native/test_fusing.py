"""Fused groups compute what their operators compute one by one, bit for bit, on any threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgesdk_runtimes.base import Array
from tests.native.model_builder import GraphBuilder, ModelBuilder, pack
from tests.native.running import litert, opened, random_array

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator


@dataclass(frozen=True)
class Block:
    """An inverted residual block: [pad] -> [expand] -> depthwise -> project -> [add]."""

    quantized: bool
    expand: bool
    padded: bool
    residual: bool
    kernel: int
    stride: int
    dilation: int
    size: int
    channels: int
    seed: int


blocks = st.builds(
    Block,
    quantized=st.booleans(),
    expand=st.booleans(),
    padded=st.booleans(),
    residual=st.booleans(),
    kernel=st.sampled_from([1, 2, 3, 5]),
    stride=st.sampled_from([1, 2]),
    dilation=st.sampled_from([1, 1, 2]),
    size=st.sampled_from([28, 31]),
    channels=st.sampled_from(
        [132, 144]
    ),  # over 96 KiB of expanded int8 image: large enough to fuse
    seed=st.integers(0, 2**32 - 1),
)


class _Network:
    """Adds layers to a graph, all int8 or all float."""

    def __init__(self, graph: GraphBuilder, quantized: bool, seed: int) -> None:
        self.graph, self.quantized = graph, quantized
        self.rng = np.random.default_rng(seed)

    def activation(self, name: str, shape: list[int], like: tuple[float, int] | None = None) -> int:
        if not self.quantized:
            return self.graph.tensor(name, shape)
        scale, zero = like or (
            float(self.rng.uniform(0.02, 0.06)),
            int(self.rng.integers(-128, 128)),
        )
        return self.graph.tensor(name, shape, np.int8, scale=[scale], zero_point=[zero])

    def weights(self, shape: list[int]) -> int:
        if not self.quantized:
            return self.graph.tensor("w", shape, data=self.rng.normal(size=shape))
        values = self.rng.integers(-127, 128, shape)
        return self.graph.tensor("w", shape, np.int8, data=values, scale=[0.002])

    def no_bias(self, x: int, channels: int) -> int:
        if not self.quantized:
            return self.graph.tensor("b", [channels], data=np.zeros(channels))
        scale = 0.002 * self.graph.subgraph.tensors[x].quantization.scale[0]
        return self.graph.tensor(
            "b", [channels], np.int32, data=np.zeros(channels), scale=[scale], zero_point=[0]
        )

    def quantization(self, tensor: int) -> tuple[float, int] | None:
        found = self.graph.subgraph.tensors[tensor].quantization
        return (found.scale[0], found.zeroPoint[0]) if self.quantized else None

    def shape(self, tensor: int) -> list[int]:
        return list(self.graph.subgraph.tensors[tensor].shape)

    def pad(self, x: int, border: int, across: int | None = None) -> int:
        n, h, w, c = self.shape(x)
        across = border if across is None else across
        pads = self.graph.tensor(
            "pads", [4, 2], np.int32, data=[[0, 0], [border, border], [across, across], [0, 0]]
        )
        shape = [n, h + 2 * border, w + 2 * across, c]
        y = self.activation("padded", shape, self.quantization(x))
        self.graph.operator(OP.PAD, [x, pads], [y], schema.PadOptionsT())
        return y

    def conv(self, x: int, channels: int, size: int = 1) -> int:
        n, h, w, c = self.shape(x)
        y = self.activation("conv", [n, h, w, channels])
        options = schema.Conv2DOptionsT()
        options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
        weights = self.weights([channels, size, size, c])
        self.graph.operator(OP.CONV_2D, [x, weights, -1], [y], options)
        return y

    def transposed(self, x: int, channels: int, size: int) -> int:
        """Stride 1, padded so that the image keeps its size."""
        shape = [*self.shape(x)[:3], channels]
        y = self.activation("transposed", shape)
        options = schema.TransposeConvOptionsT()
        options.strideH = options.strideW = 1
        weights = self.weights([channels, size, size, self.shape(x)[3]])
        sizes = self.graph.tensor("sizes", [4], np.int32, data=shape)
        self.graph.operator(OP.TRANSPOSE_CONV, [sizes, weights, x], [y], options)
        return y

    def depthwise(self, x: int, block: Block) -> int:
        n, h, _, c = self.shape(x)
        size = -(-h // block.stride)
        if block.padded:
            size = (h - (block.kernel - 1) * block.dilation - 1) // block.stride + 1
        y = self.activation("depthwise", [n, size, size, c])
        options = schema.DepthwiseConv2DOptionsT()
        options.padding = schema.Padding.VALID if block.padded else schema.Padding.SAME
        options.strideH = options.strideW = block.stride
        options.dilationHFactor = options.dilationWFactor = block.dilation
        options.depthMultiplier = 1
        weights = self.weights([1, block.kernel, block.kernel, c])
        self.graph.operator(OP.DEPTHWISE_CONV_2D, [x, weights, -1], [y], options)
        return y

    def add(self, x: int, other: int) -> int:
        y = self.activation("sum", self.shape(x))
        self.graph.operator(OP.ADD, [x, other], [y], schema.AddOptionsT())
        return y


def build(block: Block) -> bytes:
    builder = ModelBuilder()
    net = _Network(builder.graph("main"), block.quantized, block.seed)
    narrow = 8 if block.expand else block.channels
    inputs = [net.activation("x", [1, block.size, block.size, narrow])]
    x = inputs[0]
    if block.expand:
        x = net.conv(x, block.channels)
    if block.padded:
        x = net.pad(x, 2)
    x = net.conv(net.depthwise(x, block), 8)
    if block.residual:
        inputs.append(net.activation("other", net.shape(x)))
        x = net.add(inputs[1], x) if block.seed % 2 else net.add(x, inputs[1])
    net.graph.ends(inputs, [x])
    return pack(builder.model)


def outputs(model: bytes, arrays: list[Array], **options: Any) -> list[bytes]:
    session = opened(model, **options)
    return [array.tobytes() for _ in range(2) for array in session.run(arrays)]


@given(block=blocks)
@settings(max_examples=60, deadline=None)
def test_a_fused_block_is_its_operators_one_by_one(block: Block) -> None:
    model = build(block)
    rng = np.random.default_rng(block.seed)
    arrays = [random_array(spec.shape, spec.dtype, rng) for spec in opened(model).inputs]
    expected = outputs(model, arrays, unfused=True)
    assert outputs(model, arrays) == expected
    assert outputs(model, arrays, threads=3) == expected


def test_a_block_becomes_one_node_with_a_joint_name() -> None:
    block = Block(True, True, False, True, 3, 1, 1, 28, 144, 0)
    names = [node.op for node in opened(build(block)).nodes()]
    assert names == ["CONV_2D+DEPTHWISE_CONV_2D+CONV_2D+ADD"]


def test_padding_and_a_lone_residual_are_fused_too() -> None:
    builder = ModelBuilder()
    net = _Network(builder.graph("main"), True, 0)
    x = net.activation("x", [1, 8, 8, 4])
    y = net.add(net.depthwise(net.pad(x, 1), Block(True, False, True, False, 3, 1, 1, 8, 4, 0)), x)
    net.graph.ends([x], [net.add(net.conv(y, 4), y)])
    names = [node.op for node in opened(pack(builder.model)).nodes()]
    assert names == ["DEPTHWISE_CONV_2D", "ADD", "CONV_2D+ADD"]


@pytest.mark.parametrize("quantized", [True, False])
@pytest.mark.parametrize("border", [1, 3, 5])
def test_padding_may_be_larger_than_the_filter_behind_it(quantized: bool, border: int) -> None:
    builder = ModelBuilder()
    net = _Network(builder.graph("main"), quantized, border)
    x = net.activation("x", [1, 4, 4, 8])
    net.graph.ends([x], [net.conv(net.pad(x, border, 50), 8, 3)])
    model = pack(builder.model)
    assert [node.op for node in opened(model).nodes()] == ["CONV_2D"]
    arrays = [
        random_array(s.shape, s.dtype, np.random.default_rng(1)) for s in opened(model).inputs
    ]
    expected = outputs(model, arrays, unfused=True)
    assert outputs(model, arrays) == expected
    assert outputs(model, arrays, threads=3) == expected


@pytest.mark.parametrize("quantized", [True, False])
def test_a_residual_may_overwrite_what_it_adds_but_not_what_it_convolves(quantized: bool) -> None:
    builder = ModelBuilder()
    net = _Network(builder.graph("main"), quantized, 1)
    x = net.activation("x", [1, 30, 30, 24])
    y = net.conv(x, 24)
    y = net.add(net.conv(net.conv(y, 24), 24), y)
    y = net.add(net.conv(y, 24, 3), y)
    net.graph.ends([x], [net.conv(y, 24)])
    model = pack(builder.model)
    arrays = [
        random_array(s.shape, s.dtype, np.random.default_rng(1)) for s in opened(model).inputs
    ]
    expected = outputs(model, arrays, unfused=True)
    assert outputs(model, arrays) == expected
    assert outputs(model, arrays, threads=3) == expected


@pytest.mark.parametrize("quantized", [True, False])
@pytest.mark.parametrize("channels", [3, 24])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_transposed_convolution_of_stride_one_is_a_convolution(
    quantized: bool, channels: int, size: int
) -> None:
    builder = ModelBuilder()
    net = _Network(builder.graph("main"), quantized, size)
    inputs = [net.activation("x", [2, 9, 12, 24])]
    inputs.append(net.activation("other", [2, 11, 14, channels]))
    y = net.transposed(net.pad(inputs[0], 1), channels, size)
    net.graph.ends(inputs, [net.add(y, inputs[1])])
    model = pack(builder.model)
    assert [node.op for node in opened(model).nodes()] == ["TRANSPOSE_CONV+ADD"]
    rng = np.random.default_rng(size)
    arrays = [random_array(spec.shape, spec.dtype, rng) for spec in opened(model).inputs]
    expected = outputs(model, arrays, unfused=True)
    assert outputs(model, arrays) == expected
    assert outputs(model, arrays, threads=3) == expected
    if quantized:
        assert expected[0] == litert(model, arrays)[0].tobytes()


OPTIONS_OF = {
    "CONV_2D": schema.Conv2DOptionsT,
    "DEPTHWISE_CONV_2D": schema.DepthwiseConv2DOptionsT,
    "TRANSPOSE_CONV": schema.TransposeConvOptionsT,
}


def _layer_over_time(op: str, height: int, kernel: int, quantized: bool) -> bytes:
    """As converters write it, on images of one column, behind a border."""
    builder = ModelBuilder()
    net = _Network(builder.graph("main"), quantized, kernel)
    x = net.activation("x", [2, height, 1, 24])
    padded = net.pad(x, 2, 0)
    options = OPTIONS_OF[op]()
    options.strideH, options.strideW, options.padding = 2, 1, schema.Padding.SAME
    options.dilationHFactor = options.dilationWFactor = options.depthMultiplier = 1
    turned = op == "TRANSPOSE_CONV"
    shape = [2, (height + 4) * 2 if turned else (height + 5) // 2, 1, 24]
    weights = net.weights([1 if op == "DEPTHWISE_CONV_2D" else 24, kernel, 1, 24])
    inputs = [padded, weights, net.no_bias(padded, 24)]
    if turned:
        inputs = [net.graph.tensor("sizes", [4], np.int32, data=shape), weights, padded]
    y = net.activation("y", shape)
    net.graph.operator(getattr(OP, op), inputs, [y], options)
    net.graph.ends([x], [y])
    return pack(builder.model)


@pytest.mark.parametrize("quantized", [True, False])
@pytest.mark.parametrize("kernel", [2, 5])
@pytest.mark.parametrize("op", OPTIONS_OF)
@pytest.mark.parametrize("height", [1, 37, 1100])
def test_a_column_of_pixels_is_computed_as_a_line(
    height: int, op: str, kernel: int, quantized: bool
) -> None:
    model = _layer_over_time(op, height, kernel, quantized)
    rng = np.random.default_rng(height)
    arrays = [random_array(spec.shape, spec.dtype, rng) for spec in opened(model).inputs]
    expected = outputs(model, arrays, unfused=True)
    assert outputs(model, arrays) == expected
    assert outputs(model, arrays, threads=3) == expected
    theirs = litert(model, arrays)[0]
    ours = np.frombuffer(expected[0], theirs.dtype).reshape(theirs.shape)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=0 if quantized else 1e-4)


@pytest.mark.parametrize("op", ["RELU", "RELU6", "RELU_N1_TO_1"])
@pytest.mark.parametrize("fused", ["NONE", "RELU6", "RELU_N1_TO_1"])
def test_a_float_sum_is_bounded_by_the_activation_behind_it(op: str, fused: str) -> None:
    builder = ModelBuilder()
    net = _Network(builder.graph("main"), False, 0)
    x, other = net.activation("x", [1, 6, 7, 9]), net.activation("other", [9])
    total, y = net.activation("sum", [1, 6, 7, 9]), net.activation("y", [1, 6, 7, 9])
    options = schema.AddOptionsT()
    options.fusedActivationFunction = getattr(schema.ActivationFunctionType, fused)
    net.graph.operator(OP.ADD, [x, other], [total], options)
    net.graph.operator(getattr(OP, op), [total], [y], None)
    net.graph.ends([x, other], [y])
    model = pack(builder.model)
    rng = np.random.default_rng(0)
    arrays = [(8 * rng.normal(size=shape)).astype(np.float32) for shape in ([1, 6, 7, 9], [9])]
    arrays[0][0, 0] = [np.nan, np.inf, -np.inf, -0.0, 0.0, 1.0, -1.0, 6.0, 7.0]
    assert [node.op for node in opened(model).nodes()] == [f"ADD+{op}"]
    assert outputs(model, arrays) == outputs(model, arrays, unfused=True)


def _padded_pool(
    quantized: bool, fill: float, border: tuple[int, int], window: tuple[int, int], padding: int
) -> bytes:
    """PADV2 with `fill` by `border` (before, after), then MAX_POOL_2D of (size, stride)."""
    builder = ModelBuilder()
    net = _Network(builder.graph("main"), quantized, 0)
    x = net.activation("x", [1, 6, 7, 9])
    found = net.quantization(x)
    scale, zero = ([found[0]], [found[1]]) if found else ([], [])
    tensor, dtype = net.graph.tensor, np.int8 if quantized else np.float32
    value = tensor("fill", [], dtype, data=fill, scale=scale, zero_point=zero)
    pads = tensor("pads", [4, 2], np.int32, data=[[0, 0], border, border, [0, 0]])
    (h, w), (size, stride) = (n + sum(border) for n in (6, 7)), window
    padded = net.activation("padded", [1, h, w, 9], net.quantization(x))
    net.graph.operator(OP.PADV2, [x, pads, value], [padded], schema.PadV2OptionsT())
    options = schema.Pool2DOptionsT()
    options.filterHeight = options.filterWidth = size
    options.strideH = options.strideW = stride
    options.padding = padding
    less = size - 1 if padding == schema.Padding.VALID else 0
    shape = [1, -(-(h - less) // stride), -(-(w - less) // stride), 9]
    y = net.activation("y", shape, net.quantization(x))
    net.graph.operator(OP.MAX_POOL_2D, [padded], [y], options)
    net.graph.ends([x], [y])
    return pack(builder.model)


@given(
    quantized=st.booleans(),
    lowest=st.booleans(),
    border=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    window=st.tuples(st.integers(1, 4), st.integers(1, 3)),
    padding=st.sampled_from([schema.Padding.SAME, schema.Padding.VALID]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_a_maximum_over_a_padded_image_is_its_operators_one_by_one(
    quantized: bool,
    lowest: bool,
    border: tuple[int, int],
    window: tuple[int, int],
    padding: int,
    seed: int,
) -> None:
    fill = (-128.0 if quantized else float(np.finfo(np.float32).min)) if lowest else -1.0
    model = _padded_pool(quantized, fill, border, window, padding)
    rng = np.random.default_rng(seed)
    arrays = [random_array(spec.shape, spec.dtype, rng) for spec in opened(model).inputs]
    if not quantized:
        arrays[0][rng.random(arrays[0].shape) < 0.3] = -np.inf
    assert outputs(model, arrays) == outputs(model, arrays, unfused=True)


@pytest.mark.parametrize("quantized", [False, True])
def test_a_border_of_lowest_values_is_part_of_the_maximum(quantized: bool) -> None:
    fill = -128.0 if quantized else float(np.finfo(np.float32).min)
    model = _padded_pool(quantized, fill, (1, 1), (3, 2), schema.Padding.VALID)
    assert [node.op for node in opened(model).nodes()] == ["MAX_POOL_2D"]


def test_what_others_read_too_is_not_fused_away() -> None:
    builder = ModelBuilder()
    net = _Network(builder.graph("main"), True, 0)
    x = net.activation("x", [1, 8, 8, 4])
    y = net.conv(x, 4)
    net.graph.ends([x], [y, net.add(y, x)])
    session = opened(pack(builder.model))
    assert [node.op for node in session.nodes()] == ["CONV_2D", "ADD"]


def _views(joined: bool, from_caller: bool) -> bytes:
    """Two halves of an image are changed each by its own ADD and joined (or only cut)."""
    builder = ModelBuilder()
    net = _Network(builder.graph("main"), False, 0)
    x = net.activation("x", [1, 4, 6])
    y = x if from_caller else net.add(x, x)
    axis = net.graph.tensor("axis", [], np.int32, data=1)
    parts = [net.activation(f"part {i}", [1, 2, 6]) for i in range(2)]
    split = schema.SplitOptionsT()
    split.numSplits = 2
    net.graph.operator(OP.SPLIT, [axis, y], parts, split)
    if not joined:
        net.graph.ends([x], parts)
        return pack(builder.model)
    changed = [net.add(part, part) for part in parts]
    whole = net.activation("whole", [1, 4, 6])
    options = schema.ConcatenationOptionsT()
    options.axis = 1
    net.graph.operator(OP.CONCATENATION, changed, [whole], options)
    net.graph.ends([x], [whole])
    return pack(builder.model)


@pytest.mark.parametrize(
    ("joined", "from_caller", "left"),
    [
        (True, True, ["ADD", "ADD"]),
        (True, False, ["ADD", "ADD", "ADD"]),
        (False, False, ["ADD"]),
        (False, True, ["SPLIT"]),  # a caller may write x again; its outputs must not change with it
    ],
)
def test_contiguous_parts_are_views(joined: bool, from_caller: bool, left: list[str]) -> None:
    model = _views(joined, from_caller)
    x = np.arange(24, dtype=np.float32).reshape(1, 4, 6)
    session = opened(model)
    assert [node.op for node in session.nodes()] == left
    for ours, theirs in zip(session.run([x]), litert(model, [x]), strict=True):
        np.testing.assert_array_equal(ours, theirs)
