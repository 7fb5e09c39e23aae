"""Capture a trained model, an `nn.Module` or ONNX in any form, as a Graph in normal form."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx
import onnx_ir as ir

from edgesdk.spec import ATTRIBUTE, InputSpec, input_specs
from edgesdk_quant.graph import from_proto, load, normalize
from edgesdk_quant.graph.opset import OPSET
from edgesdk_runtimes.errors import InputError, ModelError

EXAMPLE_BATCH = 2  # torch specialises on a batch of 1 (torch.export, "0/1 specialisation")


def capture(model: Any, inputs: Mapping[str, Any] | None = None) -> ir.Model:
    """Capture a model as a Graph (docs/ARCHITECTURE.md, "The Graph").

    Args:
        model: an `nn.Module`, the path of an .onnx file, its bytes, a ModelProto or an `ir.Model`.
        inputs: for a module without the `@edgesdk.model` declaration: name -> shape tuple (None
            first: open batch), InputSpec or example array, in the order of its forward arguments.

    Raises:
        InputError: the path is wrong, or a module's inputs are not declared.
        ModelError: the model is malformed, or torch cannot export it.
        UnsupportedError: it has operators that ONNX does not define.
    """
    if isinstance(model, (str, os.PathLike, bytes)):
        graph = load(Path(model) if not isinstance(model, bytes) else model)
    elif isinstance(model, onnx.ModelProto):
        graph = from_proto(model)
    elif isinstance(model, ir.Model):
        graph = model
    elif _is_module(model):
        graph = _export(model, _specs(model, inputs))
    else:
        raise InputError(
            f"a model of type {type(model).__name__} was given; give a torch nn.Module, "
            "the path of an .onnx file, its bytes, an onnx ModelProto or an onnx_ir Model"
        )
    return normalize(graph)


def _is_module(model: Any) -> bool:
    return any(base.__module__.startswith("torch.nn") for base in type(model).__mro__)


def _specs(module: Any, inputs: Mapping[str, Any] | None) -> dict[str, InputSpec]:
    specs = input_specs(inputs) if inputs is not None else getattr(module, ATTRIBUTE, None)
    if specs is None:
        raise InputError(
            f"the inputs of {type(module).__name__} are not declared; put "
            '@edgesdk.model(inputs={"x": (None, 3, 224, 224)}) above the class '
            'or give inputs={"x": (None, 3, 224, 224)} in the order of its forward arguments'
        )
    return dict(specs)


def _export(module: Any, specs: Mapping[str, InputSpec]) -> ir.Model:
    """Export with an open batch where the specs leave it open and the module allows it."""
    module = module.eval()
    try:
        return _torch_export(module, specs, dynamic=any(s.shape[0] is None for s in specs.values()))
    except ModelError:
        if not any(spec.shape[0] is None for spec in specs.values()):
            raise
    return _torch_export(module, specs, dynamic=False)


def _torch_export(module: Any, specs: Mapping[str, InputSpec], *, dynamic: bool) -> ir.Model:
    import torch

    size = EXAMPLE_BATCH if dynamic else 1
    examples = tuple(_example(spec, size) for spec in specs.values())
    batch = torch.export.Dim("batch")
    shapes = tuple({0: batch} if spec.shape[0] is None else {} for spec in specs.values())
    with _quiet():
        try:
            program = torch.onnx.export(
                module,
                examples,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(specs),
                dynamic_shapes=shapes if dynamic else None,
                optimize=True,
                verbose=False,
            )
        except Exception as error:  # torch raises dozens of kinds here, all of them about the model
            raise ModelError(_reason(module, error)) from error
    return program.model  # type: ignore[union-attr]


def _example(spec: InputSpec, batch: int) -> Any:
    import torch

    sizes = [batch if size is None else size for size in spec.shape]
    dtype = getattr(torch, spec.dtype)
    random = torch.Generator().manual_seed(0)
    if dtype.is_floating_point:
        return torch.rand(sizes, generator=random, dtype=dtype)
    return torch.zeros(sizes, dtype=dtype)


def _reason(module: Any, error: BaseException) -> str:
    chain = "\n".join(str(e) for e in _causes(error))
    name = type(module).__name__
    if "data-dependent" in chain or "GuardOnDataDependent" in chain:
        return (
            f"{name} branches on the value of a tensor with a Python `if`, which cannot be "
            "captured; use torch.where for values or torch.cond(predicate, f, g, operands)"
        )
    lines = [line for line in str(list(_causes(error))[-1]).splitlines() if line.strip()]
    return f"torch cannot export {name}: {lines[0] if lines else type(error).__name__}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """torch.onnx prints its progress and warns about itself; a user's screen is ours."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
