"""ONNX files: what is readable is read, what is not is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from edgesdk_quant.graph import clone, constant, from_proto, load, new_initializer, to_bytes
from edgesdk_runtimes.errors import InputError, ModelError, UnsupportedError
from tests.quant.graph.written import model, random

TEXT = "agraph (float[2,3] x) => (float[2,4] y) { y = MatMul(x, w) }"
WEIGHT = random(3, 4)


def example() -> bytes:
    return to_bytes(model(TEXT, w=WEIGHT))


def test_a_file_and_its_bytes_give_the_same_graph(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(example())
    assert to_bytes(load(path)) == to_bytes(load(str(path))) == to_bytes(load(example()))


def test_serialization_is_stable() -> None:
    assert to_bytes(load(example())) == example()


def test_a_clone_has_nodes_of_its_own() -> None:
    source = load(example())
    copy = clone(source)
    new_initializer(copy.graph, "more", np.zeros(3))
    assert "more" not in source.graph.initializers
    assert next(iter(copy.graph)) is not next(iter(source.graph))


def test_external_weights_are_loaded_from_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    save_external(path)
    np.testing.assert_array_equal(np.asarray(constant(load(path).graph.initializers["w"])), WEIGHT)


def save_external(path: Path) -> None:
    onnx.save_model(
        onnx.load_model_from_string(example()),
        path,
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )


def test_missing_external_weights_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    save_external(path)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ModelError, match=r"external file.*put that file beside"):
        load(path)


def test_external_weights_cannot_come_from_bytes(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    save_external(path)
    with pytest.raises(ModelError, match="give the path"):
        load(path.read_bytes())


def test_external_weights_outside_the_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    path = tmp_path / "inner" / "model.onnx"
    save_external(path)
    (tmp_path / "inner" / "weights.bin").rename(tmp_path / "weights.bin")
    proto = onnx.load_model(path, load_external_data=False)
    next(
        e for e in proto.graph.initializer[0].external_data if e.key == "location"
    ).value = "../weights.bin"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match="external file"):
        load(path)


@pytest.mark.parametrize("name", ["absent.onnx", "."])
def test_a_wrong_path_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / name)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not a model", b"\x00" * 64])
def test_bytes_that_are_no_model_are_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="ONNX model"):
        load(data)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7])
def test_a_truncated_file_is_refused(share: float) -> None:
    data = example()
    with pytest.raises(ModelError):
        load(data[: int(len(data) * share)])


def test_unknown_operators_are_named_all_at_once() -> None:
    text = """agraph (float[2,3] x) => (float[2,3] y) {
        a = vendor.Magic(x) b = Unheard(a) y = vendor.Other(b)
    }"""
    proto = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 17, "vendor": 1]> {text}')
    with pytest.raises(UnsupportedError, match=r"Unheard, vendor\.Magic, vendor\.Other"):
        load(proto.SerializeToString())


@pytest.mark.parametrize("opset", [0, 99])
def test_an_opset_out_of_range_is_refused(opset: int) -> None:
    proto = onnx.load_model_from_string(example())
    proto.opset_import[0].version = opset
    with pytest.raises(ModelError, match=f"opset {opset}"):
        load(proto.SerializeToString())


def test_files_that_onnxruntime_refuses_are_refused(shared_data: Path) -> None:
    files = sorted((shared_data / "onnx" / "refused").glob("*.onnx"))
    assert files
    for path in files:
        with pytest.raises(ModelError, match=path.name):
            load(path)


def chain(*nodes: tuple[str, str]) -> onnx.ModelProto:
    """Relus from x to y, by the names of what they read and make."""
    inputs, outputs = ([helper.make_tensor_value_info(n, 1, [2])] for n in "xy")
    made = [helper.make_node("Relu", [a], [b]) for a, b in nodes]
    graph = helper.make_graph(made, "chain", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


def test_nodes_that_a_tool_appended_out_of_order_are_sorted() -> None:
    graph = from_proto(chain(("h", "y"), ("x", "h"))).graph
    assert [node.outputs[0].name for node in graph] == ["h", "y"]


def test_nodes_in_a_circle_are_refused() -> None:
    with pytest.raises(ModelError, match="malformed ONNX model: Graph contains a cycle"):
        from_proto(chain(("x", "y"), ("b", "a"), ("a", "b")))
