"""The counting plugin for qemu-user, compiled on first use."""

from __future__ import annotations

import hashlib
import os
from importlib import resources
from pathlib import Path

from edgesdk_targets.cache import cache_folder
from edgesdk_targets.command import run


def counting_plugin() -> Path:
    """The plugin's shared library; its source is blocks.c.

    Raises:
        RuntimeMissingError: there is no gcc.
    """
    source = resources.files("edgesdk_targets") / "estimate" / "blocks.c"
    code = source.read_bytes()
    name = f"blocks-{hashlib.sha256(code).hexdigest()[:12]}"
    library = cache_folder("plugin") / f"{name}.so"
    if not library.exists():
        partial = library.with_suffix(f".{os.getpid()}.partial")
        words = ["gcc", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-x", "c", "-"]
        run([*words, "-o", partial], stdin=code.decode())
        partial.replace(library)
    return library
