"""What a model costs a fresh process: `python -m edgesdk.footprint MODEL RUNTIME THREADS`.

Prints the milliseconds to load it into a runtime that is there already, and the peak resident
memory in 10^6 bytes after one run.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from edgesdk.artifact import Artifact, read_artifact
from edgesdk.random_inputs import random_inputs


def run_afresh(artifact: Artifact, runtime: str, threads: int) -> subprocess.CompletedProcess[str]:
    """Load a model and run it once in a process of its own, which may end as it likes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        path.write_bytes(artifact.data)
        command = [sys.executable, "-m", "edgesdk.footprint", str(path), runtime, str(threads)]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def peak_memory_mb() -> float:
    """Peak resident memory of this process, in 10^6 bytes.

    VmHWM begins anew with each program; getrusage (where there is no /proc) keeps the parent's.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main(arguments: list[str]) -> None:
    """Load, run once, print."""
    from edgesdk.sessions import find_runtime  # which asks for runs in processes like this one

    path, name, threads = arguments
    data, runtime = read_artifact(path).data, find_runtime(name)
    runtime.probe()  # loads the runtime itself, which is no part of the model
    start = time.perf_counter()
    session = runtime.open(data, threads=int(threads))
    load_ms = 1e3 * (time.perf_counter() - start)
    session.run(random_inputs(session.inputs))
    print(f"{load_ms:.3f} {peak_memory_mb():.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
