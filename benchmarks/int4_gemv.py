"""One token through a large layer: 4-bit block weights, native against ONNX Runtime's MatMulNBits.

Run: python -m benchmarks.int4_gemv [--units 11008] [--depth 4096] [--block 32] [--rounds 60]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from edgesdk.cli.output import print_table
from edgesdk_quant.tflite import Model, Operator, Quantization, Subgraph, Tensor
from edgesdk_quant.tflite.writer import write_model
from edgesdk_runtimes.base import Array
from edgesdk_runtimes.native import NativeRuntime

Step = Callable[[], object]


def _tflite(weights: Array, scale: Array, rows: int) -> bytes:
    """FULLY_CONNECTED with weights [units, depth] -8..7 and scales [units, depth / block]."""
    units, depth = weights.shape
    block = depth // scale.shape[1]
    quantization = Quantization(scale, np.zeros(scale.shape, np.int64), block=block)
    tensors = (
        Tensor("x", "FLOAT32", (rows, depth)),
        Tensor("w", "INT4", weights.shape, weights, quantization),
        Tensor("y", "FLOAT32", (rows, units)),
    )
    operator = Operator("FULLY_CONNECTED", (0, 1, -1), (2,), version=12)
    return write_model(Model((Subgraph("main", tensors, (operator,), (0,), (2,)),)))


def _onnx(weights: Array, scale: Array, rows: int) -> bytes:
    """MatMulNBits, int8 activations (accuracy_level 4), ONNX Runtime's fastest."""
    units, depth = weights.shape
    block = depth // scale.shape[1]
    stored = (weights + 8).astype(np.uint8).reshape(units, depth // block, block)
    packed = stored[..., ::2] | stored[..., 1::2] << 4
    node = helper.make_node(
        "MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft",
        K=depth, N=units, bits=4, block_size=block, accuracy_level=4,
    )  # fmt: skip
    graph = helper.make_graph(
        [node], "main",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, depth])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, units])],
        [
            helper.make_tensor("w", TensorProto.UINT8, packed.shape, packed.tobytes(), raw=True),
            helper.make_tensor("s", TensorProto.FLOAT, scale.shape, scale.tobytes(), raw=True),
        ],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return bytes(model.SerializeToString())


def _peer(model: bytes, x: Array, threads: int) -> Step:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})


def _ours(model: bytes, x: Array, threads: int) -> Step:
    session = NativeRuntime().open(model, threads=threads)
    return lambda: session.run([x])


def _read_everything(array: Array) -> Step:
    """What reading as many bytes from memory takes: numpy's maximum of 64-bit words."""
    return lambda: array.max()


def _least_ms(steps: dict[str, Step], rounds: int) -> dict[str, float]:
    """Minimum over interleaved rounds."""
    least = dict.fromkeys(steps, float("inf"))
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            least[name] = min(least[name], 1e3 * (time.perf_counter() - start))
    return least


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=11008, help="output features")
    parser.add_argument("--depth", type=int, default=4096, help="input features")
    parser.add_argument("--block", type=int, default=32, help="weights that share a scale")
    parser.add_argument("--rows", type=int, default=1, help="tokens at once")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=60, help="turns of each")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    weights = rng.integers(-8, 8, (options.units, options.depth)).astype(np.int8)
    scale = np.full((options.units, options.depth // options.block), 2.0**-7, np.float32)
    x = rng.normal(size=(options.rows, options.depth)).astype(np.float32)
    tflite = _tflite(weights, scale, options.rows)
    words = np.zeros(len(tflite) // 8, np.int64)
    least = _least_ms(
        {
            "native": _ours(tflite, x, options.threads),
            "onnxruntime MatMulNBits": _peer(
                _onnx(weights, scale, options.rows), x, options.threads
            ),
            "reading the bytes": _read_everything(words),
        },
        options.rounds,
    )
    gb = len(tflite) / 1e9
    print_table(
        f"{options.rows} x {options.depth} x {options.units}, int4 blocks of {options.block}, "
        f"{options.threads} threads, minimum of {options.rounds} interleaved rounds",
        ["", ">ms", ">GB/s", ">times native"],
        [
            (name, f"{ms:.3f}", f"{gb / ms * 1e3:.1f}", f"{ms / least['native']:.2f}")
            for name, ms in least.items()
        ],
    )


if __name__ == "__main__":
    main()
