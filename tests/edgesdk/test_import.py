"""The public face: what is visible, and what it costs to import it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import edgesdk
from edgesdk_runtimes.native_abi import LIBRARY_VARIABLE, library_path

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


DEVICE = """
import sys, numpy, edgesdk
runner = edgesdk.Runner(sys.argv[1])
print(runner.runtime, runner(numpy.zeros([1, 49, 10, 1], numpy.int8)).shape)
from edgesdk.cli import main
verbs = (["doctor"], ["inspect", sys.argv[1]], ["bench", sys.argv[1], "--rounds", "1"])
sys.exit(max(main(verb) for verb in verbs))
"""


def link_packages(folder: Path) -> None:
    """Make a folder of packages that has ours, numpy and cffi, and nothing else."""
    ours = ("edgesdk", "edgesdk_runtimes", "edgesdk_quant", "edgesdk_targets")
    for name in (*ours, "numpy", "cffi", "pycparser"):
        # An editable install adds a folder of built files to __path__; the code is beside __file__.
        source = Path(str(importlib.import_module(name).__file__)).parent
        (folder / name).symlink_to(source)
        libraries = source.with_name(f"{name}.libs")
        if libraries.is_dir():
            (folder / libraries.name).symlink_to(libraries)
    backend = str(importlib.import_module("_cffi_backend").__file__)
    (folder / Path(backend).name).symlink_to(backend)


@pytest.mark.native
def test_a_device_needs_numpy_and_cffi_alone(shared_data: Path, tmp_path: Path) -> None:
    """Runner, doctor, inspect and bench where nothing else is installed (-S: no site-packages)."""
    link_packages(tmp_path)
    model = shared_data / "tflite" / "dscnn_int8.tflite"
    done = subprocess.run(
        [sys.executable, "-S", "-c", DEVICE, str(model)],
        env={
            **os.environ,
            "PYTHONPATH": str(tmp_path),
            LIBRARY_VARIABLE: str(library_path()),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("native (1, 12)"), done.stderr
    assert done.returncode == 0, done.stderr
