"""Trying a package where its users would: installed fresh, on its own architecture."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from edgesdk_runtimes import RUNTIMES
from edgesdk_runtimes.errors import ModelError
from edgesdk_targets.command import run
from edgesdk_targets.comparison import random_inputs
from edgesdk_targets.device import load_device
from edgesdk_targets.emulator import emulate
from edgesdk_targets.machines import Machine, this_machine
from edgesdk_targets.sysroot import prepare, python_of

# The target whose root stands for a machine.
TARGETS = {"aarch64": "raspberrypi4", "armv7": "raspberrypi3-32"}

# argv: model, input.npy ..., output.npy. `edge-run` lies where pip puts programs.
SCRIPT = """
import sys
import numpy
import edgesdk
model, *inputs, output = sys.argv[1:]
results = edgesdk.Runner(model, runtime="native")(*map(numpy.load, inputs))
results = results if isinstance(results, (list, tuple)) else [results]
numpy.savez(output, *results)
print(edgesdk.__version__, numpy.__version__, sys.version.split()[0])
"""


def try_wheel(machine: Machine, wheel: Path, model: Path) -> str:
    """Install a wheel and run a model with it; returns a sentence that says what was done.

    Raises:
        ModelError: the outputs are not this machine's, bit for bit.
        CommandError: installing or running failed.
        RuntimeMissingError: qemu or a tool is not installed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trial = folder / "trial.py"
        trial.write_text(SCRIPT)
        if machine == this_machine():
            return _try_here(wheel, model, folder, trial)
        return _try_emulated(machine, wheel, model, folder, trial)


def try_sdist(sdist: Path, model: Path) -> str:
    """Build and install an sdist where there is a C compiler and neither CMake nor Ninja.

    Raises:
        As `try_wheel`.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trial = folder / "trial.py"
        trial.write_text(SCRIPT)
        tools = folder / "tools"
        tools.mkdir()
        for tool in ("gcc", "cc", "as", "ld", "ar", "ranlib", "sh", "env"):
            (tools / tool).symlink_to(shutil.which(tool) or tool)
        return _try_here(sdist, model, folder, trial, path=str(tools))


def _try_here(package: Path, model: Path, folder: Path, trial: Path, path: str = "") -> str:
    python = folder / "venv/bin/python"
    run([sys.executable, "-m", "venv", folder / "venv"])
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CMAKE_", "PYTHON"))}
    env |= {"PATH": path} if path else {}
    run([python, "-m", "pip", "install", "--quiet", package.resolve()], env=env, cwd=folder)
    said = _run_and_check([python, trial], model, folder)
    program = run([python.with_name("edge-run"), "verify", model.resolve()]).splitlines()
    return f"fresh environment, {said}; edge-run says {len(program)} line"


def _try_emulated(machine: Machine, wheel: Path, model: Path, folder: Path, trial: Path) -> str:
    device = load_device(TARGETS[machine.name])
    root = prepare(device)
    packages = folder / "packages"
    tag = wheel.stem.rsplit("-", 1)[1].split(".")[0]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    pip += ["--target", str(packages)]
    pip += ["--platform", tag, "--python-version", "3.11", "--only-binary=:all:"]
    run([*pip, str(wheel)])
    python = emulate(device, (python_of(root), trial), root=root)
    said = _run_and_check(python, model, folder, packages)
    program = (packages / "bin/edge-run", "verify", model.resolve())
    (packages / "bin/edge-run").chmod(0o755)
    lines = run(emulate(device, program, root=root)).splitlines()
    return f"{_core(device.name)}, {said}; edge-run says {len(lines)} line"


def _core(name: str) -> str:
    emulation = load_device(name).emulation
    return f"qemu -cpu {emulation.cpu}" if emulation else name


def _run_and_check(
    python: list[str | Path], model: Path, folder: Path, packages: Path | None = None
) -> str:
    """Run the script with a Python, and compare what it computes with this process's runtime."""
    import numpy as np

    session = RUNTIMES["native"].open(model.read_bytes())
    inputs = random_inputs(session.inputs)
    wanted = session.run(inputs)
    session.close()
    names = [folder / f"input{index}.npy" for index in range(len(inputs))]
    for path, array in zip(names, inputs, strict=True):
        np.save(path, array)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "EDGERT_"))}
    env |= {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"} if packages else {}
    words = [*python, model.resolve(), *names, folder / "output.npz"]
    versions = run(words, env=env, cwd=folder).split()
    given = np.load(folder / "output.npz")
    for index, array in enumerate(wanted):
        if given[f"arr_{index}"].tobytes() != array.tobytes():
            raise ModelError(f"{model.name}: output {index} differs from this machine's.")
    return (
        f"edgesdk {versions[0]}, numpy {versions[1]}, Python {versions[2]}: "
        f"{model.name} gives this machine's bits"
    )
