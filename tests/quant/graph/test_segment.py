"""Parts of a graph as models of their own."""

from __future__ import annotations

import numpy as np

from edgesdk_quant.graph import load, normalize, to_bytes
from edgesdk_quant.graph.segment import segment
from edgesdk_runtimes import runtime_named
from tests.edgesdk.small_network import images, network


def test_segments_in_a_row_compute_what_the_whole_does() -> None:
    model, x = normalize(load(network())), images(1)
    expected = runtime_named("onnxruntime").open(network()).run([x])[0]
    for inputs, outputs in ((["image"], ["r0"]), (["r0"], ["r1"]), (["r1"], ["scores"])):
        part = segment(model, inputs, outputs)
        x = runtime_named("onnxruntime").open(to_bytes(part)).run([x])[0]
    assert np.allclose(x, expected, atol=1e-5)
    assert [str(v.name) for v in model.graph.inputs] == ["image"]
