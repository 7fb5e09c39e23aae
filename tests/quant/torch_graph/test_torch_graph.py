"""torch evaluates what ONNX Runtime evaluates, operator by operator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from edgesdk_quant.graph import load
from edgesdk_quant.torch_graph import TorchGraph
from edgesdk_runtimes import runtime_named
from edgesdk_runtimes.errors import UnsupportedError
from tests.edgesdk.small_network import images, network
from tests.quant.graph.written import model as written
from tests.quant.graph.written import run

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(2, 6, 9, 8)).astype(np.float32)


def array(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("Conv", [array(4, 6, 3, 3), array(4)], {"pads": [1, 0, 2, 1], "strides": [2, 1]}),
    ("Conv", [array(4, 6, 3, 5), array(4)], {"pads": [1, 2, 1, 2]}),
    ("Conv", [array(12, 1, 3, 3)], {"group": 6, "dilations": [2, 1]}),
    ("MaxPool", [], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("AveragePool", [], {"kernel_shape": [2, 3], "strides": [2, 1]}),
    ("GlobalAveragePool", [], {}),
    ("ReduceMean", [ints(2, 3)], {"keepdims": 0}),
    ("Flatten", [], {}),
    ("Reshape", [ints(0, 6, -1)], {}),
    ("Transpose", [], {"perm": [0, 2, 3, 1]}),
    ("Unsqueeze", [ints(1, 5)], {}),
    ("Pad", [ints(0, 0, 1, 2, 0, 0, 3, 0), np.float32(0.5)], {}),
    ("Clip", [np.float32(0), np.float32(6)], {}),
    ("HardSwish", [], {}),
    ("LeakyRelu", [], {"alpha": 0.3}),
    ("Gelu", [], {"approximate": "tanh"}),
    ("Softmax", [], {"axis": 1}),
    ("LayerNormalization", [array(8), array(8)], {"axis": -1}),
    ("MatMul", [array(8, 5)], {}),
    ("Mul", [array(6, 1, 1)], {}),
    ("Erf", [], {}),
    ("ConvTranspose", [array(6, 4, 3, 3), array(4)], {"strides": [2, 2], "pads": [1, 0, 2, 1]}),
    (
        "ConvTranspose",
        [array(6, 2, 2, 3)],
        {"group": 3, "output_padding": [1, 0], "strides": [2, 1]},
    ),
    ("Slice", [ints(1, 6), ints(2**62, -(2**62)), ints(2, 3), ints(2, -1)], {}),
    ("Resize", [np.zeros(0, np.float32), np.array([1, 1, 2, 2], np.float32)], {"mode": "nearest"}),
    ("Resize", [np.zeros(0, np.float32), np.array([1, 1, 3, 2], np.float32)], {"mode": "linear"}),
    ("Elu", [], {"alpha": 0.7}),
    ("HardSigmoid", [], {"alpha": 0.2}),
    ("InstanceNormalization", [array(6), array(6)], {}),
    ("Max", [array(6, 1, 1), array(8)], {}),
    ("ReduceMax", [ints(1, 3)], {"keepdims": 0}),
    ("Softplus", [], {}),
    ("Exp", [], {}),
    ("Gather", [ints(3, -1, 0)], {"axis": 2}),
    ("Expand", [ints(3, 1, 1, 9, 1)], {}),
    ("Tile", [ints(1, 2, 1, 3)], {}),
    ("LogSoftmax", [], {"axis": 1}),
    ("GatherElements", [np.broadcast_to(ints(3, -1), (2, 6, 9, 2))], {"axis": 3}),
    ("GatherND", [np.stack([ints(1, 0, 1), ints(5, 2, 0)], -1)], {}),
    ("CumSum", [np.array(2)], {}),
    ("ScatterND", [np.stack([ints(1, 0, 1), ints(5, 2, -6)], -1), array(3, 9, 8)], {}),
    ("ScatterND", [ints(1).reshape(1, 1), array(1, 6, 9, 8)], {"reduction": "min"}),
    *(
        ("ScatterND", [ints(1, 1, 0).reshape(3, 1), array(3, 6, 9, 8)], {"reduction": how})
        for how in ("add", "mul", "max")
    ),
]


@pytest.mark.parametrize(("op", "constants", "attributes"), CASES, ids=lambda v: str(v)[:12])
def test_operators(op: str, constants: list[Any], attributes: dict[str, Any]) -> None:
    names = [f"c{i}" for i in range(len(constants))]
    graph = helper.make_graph(
        [helper.make_node(op, ["x", *names], ["y"], "node", **attributes)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, IMAGE.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(c), n) for c, n in zip(constants, names, strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    expected = runtime_named("onnxruntime").open(model.SerializeToString()).run([IMAGE])[0]
    torch_graph = TorchGraph(load(model.SerializeToString()))
    found = torch_graph.run({"x": torch.from_numpy(IMAGE)})["y"].numpy()
    assert found.shape == expected.shape
    assert np.allclose(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_becomes_space(mode: str) -> None:
    x = array(2, 12, 3, 4)
    graph = helper.make_graph(
        [helper.make_node("DepthToSpace", ["x"], ["y"], "node", blocksize=2, mode=mode)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    expected = runtime_named("onnxruntime").open(model.SerializeToString()).run([x])[0]
    found = TorchGraph(load(model.SerializeToString())).run({"x": torch.from_numpy(x)})["y"]
    assert np.array_equal(found.numpy(), expected)


def test_a_network_takes_more_samples_than_one_at_a_time() -> None:
    x = images(3)
    found = TorchGraph(load(network())).run({"image": torch.from_numpy(x)})["scores"]
    session = runtime_named("onnxruntime").open(network())
    expected = np.concatenate([session.run([x[i : i + 1]])[0] for i in range(3)])
    assert np.allclose(found.numpy(), expected, atol=1e-5)


def fake_quantizer(*outputs: str) -> TorchGraph:
    names = ("low", "high", "scale", "zero")
    numbers = (np.float32(0), np.float32(6), np.float32(0.02), np.uint8(3))
    graph = helper.make_graph(
        [
            helper.make_node("Clip", ["x", "low", "high"], ["c"], "clip"),
            helper.make_node("QuantizeLinear", ["c", "scale", "zero"], ["q"], "quantize"),
            helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"], "dequantize"),
        ],
        "fake quantizer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(c), n) for c, n in zip(numbers, names, strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return TorchGraph(load(model.SerializeToString()))


def test_gradients_pass_inside_the_ranges_and_at_their_ends() -> None:
    x = torch.tensor([-1.0, 0.0, 1.0, 5.04, 5.06, 6.5], requires_grad=True)
    y = fake_quantizer("y").run({"x": x})["y"]
    assert np.allclose(y.detach().numpy(), [0, 0, 1, 5.04, 5.04, 5.04], atol=1e-6)
    y.sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert np.allclose(x.grad.numpy(), [0, 1, 1, 1, 0, 0])


def test_a_quantizer_and_its_dequantizer_as_one_have_the_bits_of_both() -> None:
    """Where the stored values are an output, too, each is evaluated by itself."""
    x = torch.from_numpy(RNG.normal(3, 3, 1000).astype(np.float32))
    weights = torch.from_numpy(array(1000))
    found = []
    for graph in (fake_quantizer("y"), fake_quantizer("y", "q")):
        learnt = x.clone().requires_grad_()
        values = graph.run({"x": learnt})
        (values["y"] * weights).sum().backward()  # type: ignore[no-untyped-call]
        assert learnt.grad is not None
        found.append((values["y"].detach().numpy(), learnt.grad.numpy()))
    stored = values["q"].detach().numpy()
    assert np.array_equal(
        stored, np.clip(np.rint(np.clip(x.numpy(), 0, 6) / np.float32(0.02)) + 3, 0, 255)
    )
    assert np.array_equal(found[0], found[1])


def test_the_root_of_zero_stops_a_gradient_and_spoils_none() -> None:
    graph = TorchGraph(written("agraph (float[1,4] x) => (float[1,4] y) { y = Sqrt(x) }"))
    x = torch.tensor([[0.0, 4.0, 0.25, 0.0]], requires_grad=True)
    root = graph.run({"x": x})["y"]
    assert root.tolist() == [[0.0, 2.0, 0.5, 0.0]]
    root.sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert x.grad.tolist() == [[0.0, 0.25, 1.0, 0.0]]


def test_unknown_operators_are_named_together() -> None:
    model = load(network())
    for node in list(model.graph)[:2]:
        node.op_type = f"No{node.op_type}"
    with pytest.raises(UnsupportedError, match="NoConv, NoRelu"):
        TorchGraph(model)


def test_sizes_that_are_computed_follow_the_samples() -> None:
    """As exporters write a class token for an open batch."""
    built = written(
        """agraph (float[N,3,4] x) => (float[N,4,4] y) {
            n = Shape<start=0, end=1>(x) s = Concat<axis=0>(n, tail) e = Expand(token, s)
            c = Concat<axis=1>(e, x) f = Concat<axis=0>(n, flat) r = Reshape(c, f)
            g = ConstantOfShape(f) a = Add(r, g) b = Concat<axis=0>(n, back) y = Reshape(a, b)
        }""",
        tail=ints(1, 4),
        flat=ints(16),
        back=ints(4, 4),
        token=array(1, 1, 4),
    )
    x = array(5, 3, 4)
    (expected,) = run(built, {"x": x})
    found = TorchGraph(built).run({"x": torch.from_numpy(x)})["y"]
    assert np.array_equal(found.numpy(), expected)


def test_heads_come_out_of_the_batch_and_go_back() -> None:
    """A graph that was made for a sample, which is given three."""
    built = written(
        """agraph (float[1,8,5] x) => (float[1,4,5,2] y) {
            h = Reshape(x, heads) t = Transpose<perm=[0,2,1]>(h) y = Reshape(t, back)
        }""",
        heads=ints(4, 2, 5),
        back=ints(1, 4, 5, 2),
    )
    x = array(3, 8, 5)
    expected = np.concatenate([run(built, {"x": x[i : i + 1]})[0] for i in range(3)])
    for count in (1, 3):
        found = TorchGraph(built).run({"x": torch.from_numpy(x[:count])})["y"]
        assert np.array_equal(found.numpy(), expected[:count])
