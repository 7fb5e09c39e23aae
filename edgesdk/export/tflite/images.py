"""Images as the NHWC tensors of rank 4 that TFLite's spatial operators want."""

from __future__ import annotations

import onnx_ir as ir

from edgesdk.export.tflite.scope import Scope, channels_last
from edgesdk.export.tflite.tensors import static_shape


def as_image(scope: Scope, value: ir.Value, *, integer: bool) -> int:
    """The value as [N, H, W, C]; a sequence [N, C, L] becomes an image of height 1."""
    rank = len(static_shape(value))
    tensor = scope.tensor(value, channels_last(rank), integer=integer)
    if rank == 4:
        return tensor
    n, length, c = scope.out.shape(tensor)
    image = scope.out.like(f"{value.name}_image", tensor, (n, 1, length, c))
    scope.reshape(tensor, image)
    return image


def emit_image(
    scope: Scope,
    code: str,
    inputs: list[int],
    value: ir.Value,
    options: dict[str, int | str],
    *,
    integer: bool,
) -> None:
    """Emit an operator whose result is an image; that of a sequence is reshaped back."""
    rank = len(static_shape(value))
    result = scope.result(value, channels_last(rank), integer=integer)
    if rank == 4:
        scope.out.emit(code, inputs, [result], **options)
        return
    n, length, c = scope.out.shape(result)
    image = scope.out.like(f"{value.name}_image", result, (n, 1, length, c))
    scope.out.emit(code, inputs, [image], **options)
    scope.reshape(image, result)
