"""Where the real models and images are that this repository does not ship."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def shared_data() -> Path:
    """The folder in EDGESDK_SHARED_DATA, else ../shared/data; ends the program without it."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("EDGESDK_SHARED_DATA", beside))
    if not folder.is_dir():
        sys.exit(f"There is no {folder}. Name the folder of models in EDGESDK_SHARED_DATA.")
    return folder
