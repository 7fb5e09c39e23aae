"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Two test workers on two cores: keep every math library to one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real models and labelled images; EDGESDK_SHARED_DATA, else ../shared/data."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("EDGESDK_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: set EDGESDK_SHARED_DATA to run tests on real models")
    return folder
