"""The public face: what is visible, and what it costs to import it."""

from __future__ import annotations

import subprocess
import sys
import types

import edgesdk

HEAVY = ("torch", "onnx", "onnx_ir", "onnxruntime", "ai_edge_litert", "rich", "PIL", "scipy")


def test_all_is_what_is_visible() -> None:
    for name in edgesdk.__all__:
        getattr(edgesdk, name)
    visible = {
        name
        for name in dir(edgesdk)
        if not name.startswith("_")
        and not isinstance(getattr(edgesdk, name), types.ModuleType)
        and name not in {"annotations", "Any", "TYPE_CHECKING"}
    }
    assert visible == set(edgesdk.__all__)


def test_no_name_is_listed_twice() -> None:
    assert len(edgesdk.__all__) == len(set(edgesdk.__all__))


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(edgesdk, "frobnicate")


def test_import_loads_nothing_heavy() -> None:
    """In a fresh process, the face and the class that runs models."""
    code = f"import sys, edgesdk; edgesdk.Runner; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
