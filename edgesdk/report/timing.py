"""The time of each layer on the native runtime."""

from __future__ import annotations

import time
from collections.abc import Mapping

from edgesdk.random_inputs import random_inputs
from edgesdk.report.contents import LayerTime
from edgesdk_runtimes.native import NativeRuntime, NodeProfile

# As many runs as fit in this time, within these bounds.
SECONDS = 1.0
FEWEST, MOST = 2, 20


def layer_times(model: bytes) -> Mapping[str, LayerTime]:
    """Run a .tflite file a few times on one thread.

    Returns:
        Name of an operator's first output -> its cost. Where the runtime runs several operators as
        one, the last of them has the time of all, and its kernel says which they are.

    Raises:
        RuntimeMissingError: the native library is not installed.
        ModelError: it refuses the file.
    """
    session = NativeRuntime().open(model, threads=1, profile=True)
    try:
        inputs = random_inputs(session.inputs)
        profiles: list[tuple[NodeProfile, ...]] = []
        end = time.monotonic() + SECONDS
        while len(profiles) < FEWEST or (len(profiles) < MOST and time.monotonic() < end):
            session.run(inputs)
            profiles.append(session.nodes())
    finally:
        session.close()
    fastest = [min(node.nanoseconds for node in runs) for runs in zip(*profiles, strict=True)]
    total = sum(fastest) or 1
    return {
        node.output: LayerTime(_kernel(node), nanoseconds / 1e3, nanoseconds / total)
        for node, nanoseconds in zip(profiles[0], fastest, strict=True)
    }


def _kernel(node: NodeProfile) -> str:
    return f"{node.kernel} for {node.op}" if "+" in node.op else node.kernel
