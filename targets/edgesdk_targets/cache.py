"""Where what is built or downloaded once is kept: $EDGESDK_CACHE, else ~/.cache/edgesdk."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(*parts: str) -> Path:
    """A folder in the cache, made if it is not there."""
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = Path(os.environ.get("EDGESDK_CACHE", home / "edgesdk")).joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
