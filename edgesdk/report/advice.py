"""What to do next: each finding of a report with the command that acts on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from edgesdk.report.contents import FLOAT, Advice, Layer, Report
from edgesdk.report.network import Network
from edgesdk.verification import RuntimeResult
from edgesdk_quant.recipe import Override, Recipe, names

# In percent points of top-1, or of agreement with the float model.
SMALL_DROP = 0.5
# So few samples that answer otherwise may do so by chance.
FEW_SAMPLES = 3
DOUBT = 0.05  # one minus the confidence with which something is said of samples that were not seen
# That many of which none answers otherwise leave less than one percent to doubt.
ENOUGH_SAMPLES = 300
WORST_LAYERS = 3
# A few of many layers that take more than this share of the time are named.
DOMINANT_SHARE = 0.5
MANY_LAYERS = 20
# Cause of a layer's noise -> what an override does about it. Other causes are not the layer's own.
REMEDIES: Mapping[str, Override] = {
    "saturation": Override("*", activation_range="minmax"),
    "outliers": Override("*", activation_range="percentile"),
    "rounding": Override("*", quantize="none"),
    "weights": Override("*", quantize="none"),
    "operands": Override("*", quantize="none"),
    "bias overflow": Override("*", quantize="none"),
}
QUANTIZERS = frozenset({"QuantizeLinear", "QUANTIZE"})
# Weights of fewer bits get these before a layer is left in float.
WIDE = 8
# What an audit counts where that is no operator.
NOT_FUSED: Mapping[str, str] = {"delegated": "operators"}
# Recipe -> the next smaller one.
SMALLER: Mapping[str, str] = {"w8a16": "w8a8", "w8a8": "w4a8", "w8": "w4"}
QUANTIZE = "edgesdk quantize model.onnx --calibration images/ --recipe {recipe} -o out/"
LOOP = (
    "edgesdk quantize model.onnx --calibration images/ --limit 64 --labels labels.csv "
    "--recipe {recipe} --max-drop 0.5 --max-minutes 20 -o out/"
)

LEARN = (
    "edgesdk finetune out/{name}.onnx --reference model.onnx --data images/ --labels labels.csv "
    "-o tuned/"
)


def advise(report: Report) -> tuple[Advice, ...]:
    """Everything that the findings of a report suggest, the most useful first."""
    return tuple(advice for rule in RULES for advice in rule(report))


def _unproved(report: Report) -> Iterator[Advice]:
    if report.verification is None:
        yield Advice(
            "Nothing was compared with the float model.",
            "Give the float model and some data; labels turn agreement into accuracy.",
            _command(report),
        )
    elif report.verification.float_top1 is None:
        yield Advice(
            "Without labels there is agreement with the float model, but no accuracy.",
            "Give labels: a CSV file of file,class, or one folder a class.",
            _command(report),
        )


def _command(report: Report) -> str:
    return (
        f"edgesdk report out/{report.title} --reference model.onnx --data images/ "
        "--labels labels.csv -o report.html"
    )


def _failures(report: Report) -> Iterator[Advice]:
    for result in () if report.verification is None else report.verification.results:
        if result.failure:
            yield Advice(f"{result.artifact} does not run on {result.runtime}.", result.failure)


def _lost(report: Report) -> Iterator[Advice]:
    """Overrides for the layers that add most of the noise."""
    drop, changed = worst_drop(report), _changed(report)
    if drop is None or drop <= SMALL_DROP or report.verification is None:
        return
    if changed <= FEW_SAMPLES:
        yield Advice(
            f"{changed} of {report.verification.samples} samples {_words(report)}.",
            "So few may be chance: compare on more data before changing anything.",
            "" if report.verification.float_top1 is None else _command(report),
        )
        return
    layers = _noisiest(report)
    recipe = _with_overrides(report, layers)
    if recipe:
        yield Advice(
            f"{drop:.2f} % of the samples {_words(report)}.",
            f"The layers that add most noise are {', '.join(x.name for x in layers)}. Save this "
            "recipe, which treats them with more care, and quantize again.",
            QUANTIZE.format(recipe="careful.toml"),
            recipe,
        )


def _escalate(report: Report) -> Iterator[Advice]:
    """The accuracy-aware loop, where plain rounding to four bits loses."""
    drop = worst_drop(report)
    if drop is None or drop <= SMALL_DROP or not report.recipe:
        return
    recipe = Recipe.parse(report.recipe)
    if recipe.weights.bits < WIDE:
        yield Advice(
            f"Its {recipe.weights.bits}-bit weights are rounded by {recipe.algorithms.rounding!r}.",
            "The accuracy-aware loop tries better roundings, up to learnt ones, and then more "
            "bits, until native kernels hold the drop.",
            LOOP.format(recipe=recipe.name),
        )


def _learn(report: Report) -> Iterator[Advice]:
    """Fine-tuning, where more than a few samples are lost."""
    drop = worst_drop(report)
    if drop is not None and drop > SMALL_DROP and _changed(report) > FEW_SAMPLES:
        yield Advice(
            "What was lost can be learnt back.",
            "The quantized model learns on, with the bits that it runs with, from a few hundred "
            "samples or more; the float model teaches where there are no labels.",
            LEARN.format(name=Path(report.title).stem),
        )


def _changed(report: Report) -> int:
    """How many samples `worst_drop` stands for."""
    drop, proof = worst_drop(report), report.verification
    return 0 if drop is None or proof is None else round(drop * proof.samples / 100)


def _words(report: Report) -> str:
    """What the points of `worst_drop` count."""
    labelled = report.verification is not None and report.verification.float_top1 is not None
    return (
        "are lost against the float model" if labelled else "have another best class than in float"
    )


def worst_drop(report: Report) -> float | None:
    """Points of top-1 (of agreement, without labels) that the worst runtime loses."""
    proof = report.verification
    if proof is None:
        return None
    drops = [_drop(result, proof.float_top1) for result in proof.results if not result.failure]
    return max((drop for drop in drops if drop is not None), default=None)


def _drop(result: RuntimeResult, float_top1: float | None) -> float | None:
    if float_top1 is not None and result.top1 is not None:
        return float_top1 - result.top1
    return None if result.agreement is None else 100 - result.agreement


def _noisiest(report: Report) -> list[Layer]:
    """Layers with a remedy that add most to the noise of their inputs."""
    known = [
        (layer.damage.drop_db, layer)
        for layer in report.layers
        if _has_remedy(layer) and layer.damage is not None
    ]
    ranked = sorted(known, key=lambda pair: -pair[0])
    return [layer for drop_db, layer in ranked[:WORST_LAYERS] if drop_db > 0]


def _has_remedy(layer: Layer) -> bool:
    return layer.damage is not None and layer.damage.cause.kind in REMEDIES


def _with_overrides(report: Report, layers: list[Layer]) -> str:
    """The report's recipe with an override for each of the layers; "" without recipe or layer."""
    if not report.recipe or not layers or report.network.format != "onnx":
        return ""
    recipe = Recipe.parse(report.recipe)
    overrides = tuple(
        _override(layer.name, layer.damage.cause.kind, recipe.weights.bits)
        for layer in layers
        if layer.damage is not None
    )
    careful = replace(recipe, name="careful", overrides=(*recipe.overrides, *overrides))
    return careful.to_toml()


def _override(name: str, cause: str, weight_bits: int) -> Override:
    if cause == "weights" and weight_bits < WIDE:
        return Override(name, weight_bits=WIDE)
    return replace(REMEDIES[cause], pattern=name)


def _unfused(report: Report) -> Iterator[Advice]:
    for audit in () if report.verification is None else report.verification.audits:
        left = [
            f"{fusion.total - fusion.fused} of {fusion.total} {NOT_FUSED.get(fusion.op, fusion.op)}"
            for fusion in audit.fusions
            if fusion.fused < fusion.total
        ]
        if left:
            yield Advice(
                f"{audit.runtime} does not fuse everything: {', '.join(left)} are left.",
                "They run in its slower kernels; the section on fusion names them. Other runtimes "
                "are not touched by this.",
            )


def _kept_float(report: Report) -> Iterator[Advice]:
    inside = _quantized_again(report.network)
    count = sum(layer.kind == FLOAT and layer.name in inside for layer in report.layers)
    integers = sum(layer.kind.startswith("int") for layer in report.layers)
    if count and integers:
        yield Advice(
            f"{count} of {count + integers} operators compute in float between integers.",
            "Each border costs a conversion. The section on what stayed float says why; another "
            "target or recipe may take them.",
        )


def _quantized_again(network: Network) -> set[str]:
    """Nodes whose results, or what is computed from them, are quantized: not those at the end."""
    found, leading = set[str](), set[str]()
    for node in reversed(network.nodes):
        if node.op in QUANTIZERS or any(value.name in leading for value in node.outputs):
            found.add(node.name)
            leading.update(node.inputs)
    return found


def _slow(report: Report) -> Iterator[Advice]:
    timed = [(layer.time.share, layer.name) for layer in report.layers if layer.time is not None]
    slowest = sorted(timed, reverse=True)[:WORST_LAYERS]
    share = sum(part for part, _ in slowest)
    if len(timed) >= MANY_LAYERS and share > DOMINANT_SHARE:
        listed = ", ".join(name for _, name in slowest)
        yield Advice(
            f"{100 * share:.0f} % of the native time is spent in {len(slowest)} of {len(timed)} "
            f"layers: {listed}.",
            "Fewer channels or a smaller input there pay most.",
        )


def _smaller(report: Report) -> Iterator[Advice]:
    drop = worst_drop(report)
    if drop is None or drop > SMALL_DROP or not report.recipe:
        return
    smaller = SMALLER.get(Recipe.parse(report.recipe).name, "")
    if smaller in names() and not _proves_little(report):
        yield Advice(
            f"{_counted(report)}: there is room.",
            f"Try the smaller recipe {smaller}, and compare the two reports.",
            QUANTIZE.format(recipe=smaller),
        )


def _unsure(report: Report) -> Iterator[Advice]:
    """Few samples, or those of calibration, that lose nothing do not say that others do not."""
    drop, proof = worst_drop(report), report.verification
    if drop is None or proof is None or drop > SMALL_DROP or not _proves_little(report):
        return
    hidden = min(100.0, _most_expected(max(0, _changed(report))) * 100 / proof.samples)
    yield Advice(
        f"{_counted(report)}.",
        f"Of samples like these, up to {hidden:.1f} % may be, with 95 % confidence: compare on "
        f"{ENOUGH_SAMPLES} or more that calibration did not see before you rely on it.",
        _command(report),
    )


def _most_expected(seen: int) -> float:
    """The mean of a Poisson variable that is at most `seen` with a chance of DOUBT.

    3.0 for none, the rule of three (Hanley and Lippman-Hand 1983, "If nothing goes wrong, is
    everything all right?"); more is Garwood 1936, "Fiducial limits for the Poisson distribution".
    """
    from scipy.special import gammainccinv  # here: it is slow to import, and not all need it

    return float(gammainccinv(seen + 1, DOUBT))


def _proves_little(report: Report) -> bool:
    proof = report.verification
    return report.on_calibration or proof is None or proof.samples < ENOUGH_SAMPLES


def _counted(report: Report) -> str:
    """How many of which samples lose."""
    samples = 0 if report.verification is None else report.verification.samples
    seen = ", which calibration saw," if report.on_calibration else ""
    return f"{max(0, _changed(report))} of {samples} samples{seen} {_words(report)}"


def _untimed(report: Report) -> Iterator[Advice]:
    if report.benchmark is None:
        yield Advice(
            "The runtimes were not timed.",
            "Time them side by side on this machine.",
            f"edgesdk bench out/{report.title}",
        )


RULES: tuple[Callable[[Report], Iterator[Advice]], ...] = (
    _unproved,
    _failures,
    _lost,
    _escalate,
    _learn,
    _unfused,
    _kept_float,
    _slow,
    _unsure,
    _smaller,
    _untimed,
)
