"""gcc's spelling of ARM instruction sets as zig's."""

from __future__ import annotations

import pytest

from edgesdk_targets.zig import translate


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("-march=armv8-a", "-mcpu=generic+v8a"),
        ("-march=armv8.2-a+dotprod", "-mcpu=generic+v8_2a+dotprod"),
        ("-march=armv8.2-a+dotprod+i8mm", "-mcpu=generic+v8_2a+dotprod+i8mm"),
        ("-march=armv8.2-a+fp16", "-mcpu=generic+v8_2a+fullfp16"),
        ("-march=armv7-a", "-mcpu=generic+v7a"),
        ("-mavx2", "-mavx2"),
        ("-O3", "-O3"),
    ],
)
def test_instruction_sets_are_translated_and_nothing_else(given: str, wanted: str) -> None:
    assert translate(given) == [wanted]
