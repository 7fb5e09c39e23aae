"""4-bit weights, weight-only quantization and the integer LSTM."""

from __future__ import annotations

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesdk_runtimes.base import Array
from tests.native import integer_rules as rules
from tests.native.quantized import stored, tensor
from tests.native.running import litert, native, random_array
from tests.native.single_op import TensorDef, constant, single_op_model

pytestmark = pytest.mark.native

OP = schema.BuiltinOperator
seeds = st.integers(0, 2**32 - 1)


def packed(values: Array) -> Array:
    """Two 4-bit values a byte, the low nibble first."""
    flat = values.astype(np.int8).reshape(-1).view(np.uint8) & 15
    flat = np.append(flat, np.zeros(flat.size % 2, np.uint8))
    return np.asarray(flat[::2] | flat[1::2] << 4, np.uint8)


def with_int4(model: bytes, number: int) -> bytes:
    """The model with int8 constant tensor `number` stored in 4 bits."""
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    chosen = parsed.subgraphs[0].tensors[number]
    buffer = parsed.buffers[chosen.buffer]
    buffer.data = packed(np.frombuffer(bytes(buffer.data), np.int8))
    chosen.type = schema.TensorType.INT4
    builder = flatbuffers.Builder(1024)
    builder.Finish(parsed.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def conv_options() -> schema.Conv2DOptionsT:
    options = schema.Conv2DOptionsT()
    options.strideH = options.strideW = 1
    return options


def dwconv_options() -> schema.DepthwiseConv2DOptionsT:
    options = schema.DepthwiseConv2DOptionsT()
    options.strideH = options.strideW = 1
    return options


OPTIONS = {
    OP.CONV_2D: conv_options,
    OP.DEPTHWISE_CONV_2D: dwconv_options,
    OP.FULLY_CONNECTED: schema.FullyConnectedOptionsT,
}
# input, weights, the axis of the output channels, output
SHAPES = {
    OP.CONV_2D: ((1, 6, 7, 5), (8, 3, 3, 5), 0, (1, 6, 7, 8)),
    OP.DEPTHWISE_CONV_2D: ((1, 6, 7, 5), (1, 3, 3, 5), 3, (1, 6, 7, 5)),
    OP.FULLY_CONNECTED: ((3, 17), (9, 17), 0, (3, 9)),
}


@pytest.mark.parametrize("code", SHAPES, ids=["conv", "depthwise", "fully_connected"])
@given(seed=seeds)
def test_int4_weights_give_the_bits_of_the_same_int8_weights(code: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    input_shape, weight_shape, axis, output_shape = SHAPES[code]
    x, out = stored("int8", 0.02, rng), stored("int8", 0.1, rng)
    values = rng.integers(-8, 8, weight_shape).astype(np.int8)
    scale = tuple(map(float, rng.uniform(0.05, 0.2, weight_shape[axis]).astype(np.float32)))
    model = single_op_model(
        code,
        OPTIONS[code](),
        [tensor(input_shape, x), constant(values, scale=scale, axis=axis), None],
        [tensor(output_shape, out)],
        version=7,
    )
    image = random_array(input_shape, "int8", rng)
    assert np.array_equal(native(with_int4(model, 1), [image])[0], native(model, [image])[0])


@given(depth=st.integers(1, 200), units=st.integers(1, 30), seed=seeds)
def test_one_row_meets_int4_weights_of_any_depth_as_they_lie(
    depth: int, units: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, out = stored("int8", 0.02, rng), stored("int8", 0.1, rng)
    values = rng.integers(-8, 8, (units, depth)).astype(np.int8)
    scale = tuple(map(float, rng.uniform(0.05, 0.2, units).astype(np.float32)))
    model = single_op_model(
        OP.FULLY_CONNECTED,
        schema.FullyConnectedOptionsT(),
        [tensor((1, depth), x), constant(values, scale=scale), None],
        [tensor((1, units), out)],
        version=7,
    )
    row = random_array((1, depth), "int8", rng)
    ours = native(with_int4(model, 1), [row], threads=2)[0]
    assert np.array_equal(ours, native(model, [row])[0])


@given(seed=seeds)
def test_dynamic_quantization_takes_4_bit_weights_too(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, depth, units = int(rng.integers(1, 5)), 2 * int(rng.integers(1, 45)), 8
    weights = rng.integers(-8, 8, (units, depth)).astype(np.int8)
    scale = rng.uniform(0.001, 0.02, units).astype(np.float32)
    vectors = random_array((rows, depth), "float32", rng)
    model = single_op_model(
        OP.FULLY_CONNECTED,
        schema.FullyConnectedOptionsT(),
        [TensorDef(vectors.shape), constant(weights, scale=tuple(map(float, scale))), None],
        [TensorDef((rows, units))],
        version=5,
    )
    ours = native(with_int4(model, 1), [vectors])[0]
    assert np.array_equal(ours, native(model, [vectors])[0])
    real = weights * scale[:, None].astype(np.float64)
    half_steps = np.abs(real).sum(axis=1).max() * 2 / 255  # inputs lie in [-1, 1)
    assert np.allclose(ours, vectors.astype(np.float64) @ real.T, atol=half_steps)


def lstm_model(rng: np.random.Generator, time: int, inputs: int, cells: int) -> bytes:
    """A random integer LSTM: input, weights of the gates, biases and state."""
    x, hidden = stored("int8", 0.03, rng), stored("int8", 0.008, rng)

    def gate(depth: int) -> TensorDef:
        return constant(random_array((cells, depth), "int8", rng), scale=(0.004,))

    biases = [constant(rng.integers(-3000, 3000, cells), np.int32) for _ in range(4)]
    state = TensorDef((1, cells), "int8", None, (hidden.scale,), (hidden.zero,), variable=True)
    cell = TensorDef((1, cells), "int16", None, (2.0**-11,), (0,), variable=True)
    weights = [*(gate(inputs) for _ in range(4)), *(gate(cells) for _ in range(4))]
    options = schema.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction, options.cellClip = 4, 10.0
    scales = [TensorDef((0,), "int16", None, (2.0**-12,), (0,)) for _ in range(4)]
    return single_op_model(
        OP.UNIDIRECTIONAL_SEQUENCE_LSTM,
        options,
        [
            tensor((1, time, inputs), x),
            *weights,
            *[None] * 3,
            *biases,
            *[None] * 2,
            state,
            cell,
            *[None] * 4,
        ],
        [tensor((1, time, cells), hidden)],
        intermediates=[*scales, tensor((0,), hidden)],
    )


@given(seed=seeds)
def test_the_integer_lstm_has_the_bits_of_litert_at_every_step(seed: int) -> None:
    rng = np.random.default_rng(seed)
    time, inputs, cells = (int(rng.integers(1, n)) for n in (30, 20, 20))
    model = lstm_model(rng, time, inputs, cells)
    sequence = random_array((1, time, inputs), "int8", rng)
    assert np.array_equal(native(model, [sequence])[0], litert(model, [sequence])[0])


def test_pruned_channels_with_saturated_biases_give_the_zero_point() -> None:
    """Their scale is so small that any sum rounds to zero, whatever the bias."""
    how, out = rules.Stored("int8", 0.02, 3), rules.Stored("int8", 0.1, -7)
    weights = constant(np.full((2, 8), 127, np.int8), scale=(1e-20, 0.01))
    bias = constant(np.array([2**31 - 1, 0]), np.int32)
    model = single_op_model(
        OP.FULLY_CONNECTED,
        schema.FullyConnectedOptionsT(),
        [tensor((1, 8), how), weights, bias],
        [tensor((1, 2), out)],
        version=5,
    )
    (result,) = native(model, [np.full((1, 8), 4, np.int8)])
    assert result[0, 0] == -7
    assert result[0, 1] == -7 + round(127 * 8 * 0.02 * 0.01 / 0.1)


@pytest.mark.parametrize("axis", [None, 0, 2])
def test_float_operators_read_4_bit_weights_through_dequantize(axis: int | None) -> None:
    """What the recipe w4 makes of convolutions; the sizes are odd and cross the kernel's blocks."""
    rng, shape = np.random.default_rng(4), (3, 5, 61)
    values = rng.integers(-8, 8, shape).astype(np.int8)
    scale = rng.uniform(0.01, 1, 1 if axis is None else shape[axis]).astype(np.float32)
    source = TensorDef(shape, np.int8, values, tuple(map(float, scale)), (), axis or 0)
    model = single_op_model(OP.DEQUANTIZE, None, [source], [TensorDef(shape)], version=6)
    along = scale.reshape([-1 if d == axis else 1 for d in range(3)])
    actual = native(with_int4(model, 0), [])[0]
    assert np.array_equal(actual, values.astype(np.float32) * along)
    assert np.array_equal(actual, litert(with_int4(model, 0), [])[0])
