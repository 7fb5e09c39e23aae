"""Fine-tuning as users call it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from edgesdk.api import load as load_quantized
from edgesdk.labels import Labels
from edgesdk.quantized import Quantized
from edgesdk.sources import PREPROCESS, float_model, labels_from, preprocess_of
from edgesdk.training.module import TrainableGraph
from edgesdk.training.objective import Objective, check_classes, gives_probabilities
from edgesdk.training.samples import UNLABELLED, Samples, decode
from edgesdk.training.trainer import HELD_OUT, Epoch, Settings, Trainer
from edgesdk_quant.data import open_data
from edgesdk_quant.fingerprint import fingerprint
from edgesdk_quant.graph import load, to_bytes
from edgesdk_quant.prefix import graph_inputs
from edgesdk_quant.progress import Progress, Silent
from edgesdk_quant.torch_graph import TorchGraph
from edgesdk_runtimes.errors import InputError

if TYPE_CHECKING:
    import onnx_ir as ir

    from edgesdk_quant.preprocess import Preprocess

PathText = str | os.PathLike[str]
FEWEST = 2 * HELD_OUT
KEY = "edgesdk.finetuning"  # metadata: how it learned, and from what


@dataclass(frozen=True)
class Tuned:
    """A network that was fine-tuned.

    Attributes:
        quantized: as it was after the best epoch, by the samples that it did not learn from.
        epochs: all of them; number 0 is before learning.
    """

    quantized: Quantized
    epochs: tuple[Epoch, ...]

    @property
    def best(self) -> Epoch:
        """The epoch after which the network is as it is in `quantized`."""
        return min(self.epochs, key=lambda e: (e.held_out, -e.number))


def finetune(
    model: Quantized | PathText | bytes,
    data: Any,
    labels: Labels | PathText | None = None,
    *,
    reference: Any = None,
    inputs: Mapping[str, Any] | None = None,
    preprocess: Preprocess | str | None = None,
    limit: int | None = None,
    epochs: int = 4,
    batch: int = 32,
    rate: float = 0.001,
    workdir: PathText | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Let a quantized model learn on, from labels, from the float model, or from both.

    Weights, biases, norms and the steps of activations learn (`TrainableGraph`); what is learnt
    with has the bits of what ships. An eighth of the samples is held out, and the epoch that serves
    these best is kept; it may be none. For another loss or loop: `Quantized.trainable`.

    Args:
        model: what `quantize` gave, or a quantized .onnx file.
        data: as `calibration` of `quantize`; 16 samples or more.
        labels: CSV file; None looks for one folder a class in `data`.
        reference: the float model, an .onnx file or `nn.Module`; None takes the one that `model`
            was made from, if it is known.
        inputs: as in `quantize`, for a reference that does not declare its inputs.
        preprocess: as in `quantize`; None takes what the model remembers.
        limit: use only the first samples; None uses all.
        epochs: passes over the samples.
        batch: samples of a step.
        rate: first learning rate, in shares of each parameter's size.
        workdir: folder that keeps the state after each epoch, so that a stopped run goes on.
        progress: told how far it is; None tells nobody.

    Raises:
        InputError: data or labels are not usable, too few, or nothing says what is right.
        ModelError: a file is malformed.
        UnsupportedError: the model holds operators that no gradient passes; names all of them.
    """
    settings, progress = _settings(epochs, batch, rate), progress or Silent()
    quantized = model if isinstance(model, Quantized) else load_quantized(model)
    remembered = quantized.model.metadata_props.get(PREPROCESS)
    known = open_data(data, preprocess_of(preprocess or remembered, None)).limited(limit)
    exact, net = _exact(quantized, reference, inputs), TrainableGraph(quantized.model)
    with TemporaryDirectory() as folder:
        samples = decode(
            known, labels_from(labels, data), graph_inputs(quantized.model), Path(folder), progress
        )
        objective = _objective(quantized.model, exact, samples)
        state = _state(workdir, quantized.model, exact, samples, settings)
        history = Trainer(net, objective, samples, settings, state, progress).run()
    tuned = quantized.learnt(net)
    tuned.model.metadata_props[KEY] = json.dumps({**asdict(settings), "data": samples.sha256})
    if state is not None:
        state.unlink(missing_ok=True)
    return Tuned(tuned, history)


def _settings(epochs: int, batch: int, rate: float) -> Settings:
    if epochs < 1 or batch < 1 or not 0 < rate < 1:
        raise InputError(
            f"epochs={epochs}, batch={batch} and rate={rate} were given; give whole numbers from 1 "
            "on, and a rate between 0 and 1, e.g. 0.001."
        )
    return Settings(epochs, batch, rate)


def _exact(quantized: Quantized, reference: Any, inputs: Any) -> ir.Model | None:
    """The float network, where one is known."""
    if reference is not None:
        return load(float_model(reference, inputs).data)
    return None if quantized.origin is None else quantized.origin.graph


def _objective(model: ir.Model, exact: ir.Model | None, samples: Samples) -> Objective:
    labelled = int((samples.labels != UNLABELLED).sum())
    if len(samples) < FEWEST:
        raise InputError(
            f"{len(samples)} samples were given; one of {HELD_OUT} is held out and the others "
            f"teach. Give {FEWEST} or more, hundreds if you can."
        )
    if exact is None and labelled < len(samples):
        raise InputError(
            f"{len(samples) - labelled} of {len(samples)} samples have no label and no float model "
            "was given, so nothing says what is right. Give labels, or the float model as "
            "reference."
        )
    if labelled:
        check_classes(model, int(samples.labels.max()))
    teacher = None if exact is None else TorchGraph(exact)
    return Objective(teacher, labelled > 0, gives_probabilities(model))


def _state(
    workdir: PathText | None,
    model: ir.Model,
    exact: ir.Model | None,
    samples: Samples,
    settings: Settings,
) -> Path | None:
    """The file that keeps the state of this very run."""
    if workdir is None:
        return None
    teacher = b"" if exact is None else to_bytes(exact)
    key = fingerprint([to_bytes(model), teacher, samples.sha256, repr(settings)])
    Path(workdir).mkdir(parents=True, exist_ok=True)
    return Path(workdir) / f"finetuning-{key[:16]}.pt"
