"""Operator versions are as low as what is used allows, so that runtimes of 2023 load our files.

The table is that of TensorFlow Lite's `op_version.cc`; `python -m benchmarks.old_runtime` loads
files with tflite-runtime 2.14 itself.
"""

from __future__ import annotations

from typing import Any

import pytest

from edgesdk.export.tflite.versions import version_of


@pytest.mark.parametrize(
    ("code", "kinds", "options", "version"),
    [
        ("CONV_2D", ["FLOAT32", "FLOAT32", "FLOAT32"], {}, 1),
        ("CONV_2D", ["INT8", "INT8", "INT32"], {}, 3),
        ("CONV_2D", ["INT16", "INT8", "INT64"], {}, 4),
        ("DEPTHWISE_CONV_2D", ["FLOAT32"] * 3, {"dilation_h_factor": 2}, 2),
        ("DEPTHWISE_CONV_2D", ["INT8", "INT8", "INT32"], {}, 3),
        ("FULLY_CONNECTED", ["INT8", "INT8", "INT32"], {}, 4),
        ("FULLY_CONNECTED", ["FLOAT32"] * 3, {"keep_num_dims": True}, 5),
        ("TRANSPOSE_CONV", ["INT32", "FLOAT32", "FLOAT32", "FLOAT32"], {}, 3),
        (
            "TRANSPOSE_CONV",
            ["INT32", "INT8", "INT8", "INT32"],
            {"fused_activation_function": "RELU"},
            4,
        ),
        ("RESIZE_BILINEAR", ["FLOAT32", "INT32"], {"half_pixel_centers": True}, 3),
        ("SPLIT", ["INT32", "INT8"], {}, 2),
        ("QUANTIZE", ["FLOAT32"], {}, 1),
        ("QUANTIZE", ["INT8"], {}, 2),
        ("BROADCAST_TO", ["FLOAT32", "INT32"], {}, 2),
        ("EXP", ["INT16"], {}, 2),
        ("RELU_N1_TO_1", ["INT8"], {}, 1),
        ("ADD", ["FLOAT32", "FLOAT32"], {}, 1),
    ],
)
def test_versions(code: str, kinds: list[str], options: dict[str, Any], version: int) -> None:
    assert version_of(code, kinds, options) == version
