"""Wheels for every machine by one command, each installed and run on its own architecture.

    python -m edgesdk_targets.wheels --output dist --model native/tests/data/convolution.tflite

Run it in a checkout with the extras `dev` and `cross`. zig builds against glibc 2.17, and what the
files of a wheel really need is read from them before the wheel is kept.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from edgesdk_runtimes.errors import OutputError
from edgesdk_targets.build import native_source
from edgesdk_targets.command import run
from edgesdk_targets.machines import MACHINES, Machine
from edgesdk_targets.toolchains import for_library
from edgesdk_targets.trial import try_sdist, try_wheel

OLDEST_GLIBC = (2, 17)
PLATFORM = "manylinux2014"
# Libraries that PEP 599 lets a wheel rely on, as far as we do.
ALLOWED_LIBRARIES = re.compile(r"(libc|libm|libdl|libpthread|ld-linux[\w-]*)\.so\.\d")


def build_wheel(machine: Machine, output: Path) -> Path:
    """Cross-build one wheel from the checkout.

    Raises:
        RuntimeMissingError: ziglang or the build tools are not installed.
        CommandError: the build failed.
        OutputError: the files need more than the wheel's tag promises.
    """
    root = native_source().parent
    toolchain = for_library("zig", machine, native_source())
    settings = [s.removeprefix("-D") for s in toolchain.settings if "EDGERT_STATIC" not in s]
    # Image decoders would be found on this machine, which is not the wheel's.
    settings += ["EDGERT_JPEG_HEADER=OFF", "EDGERT_PNG_HEADER=OFF"]
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder]
        words += [f"-Ccmake.define.{setting}" for setting in settings]
        words += [f"-Cbuild-dir=build/wheel-{machine.name}", str(root)]
        # What sysconfig answers for the machine that the wheel is for; it becomes the tag.
        run(words, env={**os.environ, "_PYTHON_HOST_PLATFORM": f"{PLATFORM}_{machine.kernel}"})
        (wheel,) = Path(folder).glob("*.whl")
        check_needs(wheel)
        output.mkdir(parents=True, exist_ok=True)
        kept = output / wheel.name
        kept.write_bytes(wheel.read_bytes())
    return kept


def build_sdist(output: Path) -> Path:
    """Pack the sources."""
    words = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(output)]
    said = run([*words, str(native_source().parent)])
    return output / str(re.findall(r"(edgesdk-\S+\.tar\.gz)", said)[-1])


def check_needs(wheel: Path) -> None:
    """Read from a wheel's ELF files which libraries and which glibc they need.

    Raises:
        OutputError: more than the tag promises.
    """
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and path.read_bytes()[:4] == b"\x7fELF":
                _check_file(path)


def _check_file(path: Path) -> None:
    said = run(["readelf", "--wide", "--dynamic", "--version-info", path])
    libraries = re.findall(r"Shared library: \[(.+?)\]", said)
    strange = [name for name in libraries if not ALLOWED_LIBRARIES.fullmatch(name)]
    versions = [(int(a), int(b)) for a, b in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", said)]
    newer = [f"GLIBC_{a}.{b}" for a, b in versions if (a, b) > OLDEST_GLIBC]
    if strange or newer:
        raise OutputError(f"{path.name} needs {', '.join(strange + newer)}: no {PLATFORM} wheel.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the sdist and all wheels, and try each."""
    parser = argparse.ArgumentParser("wheels", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("dist"))
    parser.add_argument("--model", type=Path, required=True, help="a .tflite file to try them with")
    parser.add_argument("--machines", default=",".join(MACHINES), help="default %(default)s")
    options = parser.parse_args(arguments)
    for name in options.machines.split(","):
        wheel = build_wheel(MACHINES[name], options.output)
        print(f"{wheel.name}: {wheel.stat().st_size} bytes", flush=True)
        print(f"  {try_wheel(MACHINES[name], wheel, options.model)}", flush=True)
    sdist = build_sdist(options.output)
    print(f"{sdist.name}: {sdist.stat().st_size} bytes\n  {try_sdist(sdist, options.model)}")


if __name__ == "__main__":
    main()
