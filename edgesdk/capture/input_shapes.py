"""Give every input of an ONNX model fixed sizes; only the batch may stay open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx_ir as ir

from edgesdk.spec import InputSpec, Shape
from edgesdk_quant.graph import value_shape
from edgesdk_runtimes.errors import InputError

IMAGE_RANK = 4


def close_dimensions(model: ir.Model, specs: Mapping[str, InputSpec]) -> ir.Model:
    """Apply the given shapes to a copy of the model and demand that none is left open.

    Raises:
        InputError: a name is no input, a shape contradicts the file's, or a dimension other than
            the first stays open.
    """
    model = model.clone()
    inputs = {str(v.name): v for v in model.graph.inputs if not v.is_initializer()}
    unknown = [name for name in specs if name not in inputs]
    if unknown:
        raise InputError(f"the model has no input {unknown[0]!r}; its inputs are {list(inputs)}")
    for name, value in inputs.items():
        if name in specs:
            _apply(value, specs[name].shape)
    open_inputs = [value for value in inputs.values() if _is_open(value)]
    if open_inputs:
        raise InputError(
            f"sizes other than the batch are open in {', '.join(map(_describe, open_inputs))}; "
            f"say those that you want, e.g. {_advice(open_inputs)}"
        )
    return model


def all_shapes_follow(model: ir.Model) -> bool:
    """Whether each value's sizes are known but for the batch, which may count in any dimension."""
    values = (output for node in model.graph for output in node.outputs)
    return all((shape := value_shape(v)) is not None and shape.count(None) <= 1 for v in values)


def _apply(value: ir.Value, shape: Shape) -> None:
    own = value_shape(value)
    fits = own is None or (
        len(own) == len(shape)
        and all(None in (a, b) or a == b for a, b in zip(own, shape, strict=True))
    )
    if not fits:
        raise InputError(f"shape {shape} was given for {_describe(value)}; give one that fits it")
    symbols = value.shape.dims if value.shape is not None else ("batch",) * len(shape)
    value.shape = ir.Shape(
        [symbol if size is None else size for symbol, size in zip(symbols, shape, strict=True)]
    )


def _advice(values: Sequence[ir.Value]) -> str:
    """How to close these inputs, in Python and on the command line, with sizes as examples."""
    examples = {str(value.name): _example(value) for value in values}
    typed = " ".join(
        f"{name}={'x'.join(str(size or 1) for size in shape)}" for name, shape in examples.items()
    )
    return f"inputs={examples}, or --inputs {typed} on the command line"


def _example(value: ir.Value) -> Shape:
    """The value's own sizes; 1 for a batch, 224 for height and width, 128 for what else is open."""
    if value.shape is None:
        return (None, 3, 224, 224)
    first, *others = value.shape.dims
    usual = 224 if len(others) == IMAGE_RANK - 1 else 128
    named = [1 if "batch" in str(size).lower() else usual for size in others]
    sizes = [size if isinstance(size, int) else n for size, n in zip(others, named, strict=True)]
    return (first if isinstance(first, int) else None, *sizes)


def _is_open(value: ir.Value) -> bool:
    shape = value_shape(value)
    return shape is None or None in shape[1:]


def _describe(value: ir.Value) -> str:
    shape = "unknown" if value.shape is None else tuple(map(str, value.shape.dims))
    return f"{value.name!r} (shape {shape})"
