"""Fourier transforms have ONNX Runtime's results."""

from __future__ import annotations

import numpy as np
import pytest

from edgesdk_runtimes.errors import UnsupportedError
from tests.edgesdk.export.judged import judge


@pytest.mark.parametrize("onesided", [0, 1])
@pytest.mark.parametrize("window", ["w", ""])
def test_frames_of_a_signal(onesided: int, window: str) -> None:
    bins = 9 if onesided else 16
    judge(
        f"""(float[1,100] x) => (float[1,F,{bins},2] y) {{
            step = Constant <value_int = 6> () length = Constant <value_int = 16> ()
            y = STFT <onesided={onesided}> (x, step, {window}, length)
        }}""",
        w=np.hanning(16).astype(np.float32),
    )


def test_complex_frames_are_refused() -> None:
    text = """(float[1,64,2] x) => (float[1,F,16,2] y) {
        step = Constant <value_int = 8> () y = STFT <onesided=0> (x, step, w)
    }"""
    with pytest.raises(UnsupportedError, match="complex signal"):
        judge(text, w=np.ones(16, np.float32))


@pytest.mark.parametrize(
    ("shape", "attributes", "result"),
    [
        ("1,12,1", "", "1,12,2"),
        ("1,12,1", "onesided=1", "1,7,2"),
        ("1,12,2", "inverse=1", "1,12,2"),
        ("1,12,5,2", "", "1,12,5,2"),
    ],
)
@pytest.mark.parametrize("length", [0, 8, 15])
def test_a_transform_along_an_axis(shape: str, attributes: str, result: str, length: int) -> None:
    sizes = result.split(",")
    if length:
        sizes[1] = str(length // 2 + 1 if "onesided" in attributes else length)
    declared = f"length = Constant <value_int = {length}> ()" if length else ""
    flags, given = f"<{attributes}>" if attributes else "", "length" if length else ""
    judge(
        f"""(float[{shape}] x) => (float[{",".join(sizes)}] y) {{
            axis = Constant <value_int = 1> () {declared} y = DFT {flags} (x, {given}, axis)
        }}"""
    )
