"""Names are unique and stable; nothing tells where a file was made."""

from __future__ import annotations

from edgesdk_quant.graph.naming import name_nodes, strip_metadata
from tests.quant.graph.written import model

TEXT = "agraph (float[2,3] x) => (float[2,3] y) { a = Relu(x) b = Relu(a) y = Neg(b) }"


def test_nodes_without_a_name_get_one_from_their_output() -> None:
    graph = model(TEXT)
    for node in graph.graph:
        node.name = None
    name_nodes(graph)
    assert len({node.name for node in graph.graph} - {None, ""}) == 3
    again = model(TEXT)
    for node in again.graph:
        node.name = None
    name_nodes(again)
    assert [n.name for n in graph.graph] == [n.name for n in again.graph]


def test_unique_names_are_kept_and_taken_ones_numbered() -> None:
    graph = model(TEXT)
    for node, name in zip(graph.graph, ("same", "same", "other"), strict=True):
        node.name = name
    name_nodes(graph)
    names = [node.name for node in graph.graph]
    assert names[0] == "same"
    assert names[2] == "other"
    assert len(set(names)) == 3


def test_only_our_own_metadata_stays() -> None:
    graph = model(TEXT)
    graph.metadata_props.update({"edgesdk.recipe": "w8a8", "author": "someone"})
    graph.graph.doc_string = "made in /home/someone"
    node = next(iter(graph.graph))
    node.metadata_props["pkg.torch.onnx.stack_trace"] = "/home/someone/model.py"
    strip_metadata(graph)
    assert dict(graph.metadata_props) == {"edgesdk.recipe": "w8a8"}
    assert not graph.graph.doc_string
    assert not node.metadata_props
