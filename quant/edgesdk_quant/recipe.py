"""Recipes: named, printable TOML files that say how a model is quantized."""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Any

from edgesdk_quant.search.budget import UNITS, parse_budget
from edgesdk_runtimes.errors import RecipeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ACTIVATION_RANGES = ("minmax", "percentile", "entropy", "mse")
WEIGHT_RANGES = ("minmax", "mse", "octav")
GRANULARITIES = ("channel", "tensor", "block")
SCALINGS = ("none", "awq", "smoothquant")
ROUNDINGS = ("nearest", "sequential_mse", "gptq", "adaround")
WEIGHT_BITS = (4, 7, 8)
# What a search chooses from: 7 bits take a byte too.
SEARCHED_BITS = (4, 8)
BLOCKS = (128, 64, 32)
QUANTIZE = ("all", "weights", "none")


@dataclass(frozen=True)
class WeightRecipe:
    """How weights are stored.

    Attributes:
        bits: 4, 7 or 8; 7 take a byte too, for kernels that add pairs of products in 16 bits (x86
            before VNNI).
        granularity: "channel" (one scale for each output channel), "tensor", or "block" (one for
            `block` neighbours along the depth of a 4-bit matrix or table; weight-only).
        block: 32, 64 or 128; where it does not divide the depth, the next smaller one that does.
        symmetric: the zero point is 0; integer kernels need that.
        range: "minmax" keeps every weight, "mse" and "octav" clip where the squared error is least.
        dynamic: linear layers with float activations quantize these to int8 row by row while they
            run, where the runtime can (LiteRT, native); an .onnx file keeps them float.
    """

    bits: int = 8
    granularity: str = "channel"
    block: int = 32
    symmetric: bool = True
    range: str = "minmax"
    dynamic: bool = False


@dataclass(frozen=True)
class ActivationRecipe:
    """How activations are stored.

    Attributes:
        bits: 8 or 16.
        range: how the range is picked from the calibration data: "minmax", "percentile",
            "entropy" or "mse".
        percentile: share of the values in percent that "percentile" keeps inside the range.
        min_sqnr: a value that the bits hold with less than this signal-to-noise ratio on the
            calibration data, in dB, stays float, and so do the operators around it; 0 keeps none.
    """

    bits: int = 8
    range: str = "mse"
    percentile: float = 99.99
    min_sqnr: float = 28.0


@dataclass(frozen=True)
class Override:
    """What is done otherwise for the nodes whose name matches; the last match wins.

    Attributes:
        pattern: node name, with the wildcards * ? [abc].
        quantize: "all", "weights" (activations stay float) or "none" (the node stays float).
        weight_bits: replaces `weights.bits`; 0 leaves it.
        weight_range: replaces `weights.range`; "" leaves it.
        activation_range: replaces `activations.range` for the node's output; "" leaves it.
        mixing: whether `algorithms.mixing` may touch the channels of the node's output.
    """

    pattern: str
    quantize: str = "all"
    weight_bits: int = 0
    weight_range: str = ""
    activation_range: str = ""
    mixing: bool = True


@dataclass(frozen=True)
class Algorithms:
    """Which algorithms improve the weights before they are rounded.

    Attributes:
        equalization: scale channels so that they use their tensor's range alike.
        mixing: mix the channels between linear layers so that rounding their weights harms less.
        bias_correction: move each bias so that its operator's mean output is the float one.
        rounding: how weights meet their grid: "nearest", "sequential_mse", "gptq" or "adaround".
        iterations: steps that "adaround" takes for each block.
        distillation: steps that the whole network learns from the float one for, behind a
            rounding other than "nearest"; 0 leaves it out. "adaround" has learnt the samples that
            would have to judge it: nothing is gained.
        views: how many samples "adaround" and distillation learn from: the calibration samples and,
            where these are fewer, crops, mirror images and mixtures of them.
        scaling: how channels of the inputs of linear layers are scaled: "none", "awq" (float
            activations) or "smoothquant" (quantized ones).
        optional: without calibration data `rounding` and `scaling` are left out, not refused.
    """

    equalization: bool = False
    mixing: bool = False
    bias_correction: bool = False
    rounding: str = "nearest"
    iterations: int = 200
    distillation: int = 0
    views: int = 256
    scaling: str = "none"
    optional: bool = False


@dataclass(frozen=True)
class Search:
    """Which layers get more bits than the others, by what their rounding does to the outputs.

    Attributes:
        budget: most that all layers may cost together, in units of `unit`.
        unit: "float_share" (of the float weights' size), "extra_share" (of the bytes between each
            layer's narrowest width and its widest: possible for every model), "bytes" (of the
            weights, scales left out), "ms" (a whole inference) or "latency_share" (of the inference
            with 8-bit weights).
        method: "ilp" (exact) or "greedy".
        samples: how many calibration samples judge a layer.
        file_share: most that the artifact may take of the float file, where the narrowest widths
            allow it: a budget of bytes that would lead beyond is cut. What lies beside the weights
            is estimated. 0 is no limit.
    """

    budget: float = 0.13
    unit: str = "float_share"
    method: str = "ilp"
    samples: int = 16
    file_share: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """How a model is quantized; `activations` is None for weight-only recipes."""

    name: str
    description: str = ""
    weights: WeightRecipe = WeightRecipe()
    activations: ActivationRecipe | None = None
    algorithms: Algorithms = Algorithms()
    search: Search | None = None
    overrides: tuple[Override, ...] = ()

    @staticmethod
    def load(name_or_path: str | Path) -> Recipe:
        """Read a recipe that ships with EdgeSDK ("w8a8") or a .toml file.

        Raises:
            RecipeError: there is no such recipe, or it says something that is not allowed.
        """
        if str(name_or_path) in names():
            shipped = resources.files("edgesdk_quant.recipes") / f"{name_or_path}.toml"
            return Recipe.parse(shipped.read_text(encoding="utf-8"), str(name_or_path))
        path = Path(name_or_path)
        try:
            return Recipe.parse(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(
                f"There is no recipe {str(name_or_path)!r}: allowed are {', '.join(names())} "
                "or the path of a .toml file that can be read."
            ) from error

    @staticmethod
    def parse(text: str, source: str = "recipe") -> Recipe:
        """Read the text of a recipe; `source` is how errors call it."""
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise RecipeError(f"{source} is not TOML ({error}); correct that line.") from error
        return _recipe(table, source)

    def to_toml(self) -> str:
        """The recipe as text that `parse` reads back as an equal recipe."""
        lines = [f"name = {_literal(self.name)}", f"description = {_literal(self.description)}"]
        for title in _SECTIONS:
            section = getattr(self, title)
            if section is not None:
                lines += ["", f"[{title}]", *_assignments(section)]
        for override in self.overrides:
            own = [f for f in fields(override) if getattr(override, f.name) != f.default]
            lines += ["", "[[override]]"]
            lines += [f"{f.name} = {_literal(getattr(override, f.name))}" for f in own]
        return "\n".join(lines) + "\n"

    def with_budget(self, text: str) -> Recipe:
        """The recipe that searches under another budget, e.g. "0.13", "2.4MB", "12ms".

        Raises:
            RecipeError: the text is not understood.
        """
        amount, unit = parse_budget(text)
        search = replace(self.search or Search(), budget=amount, unit=unit, file_share=0.0)
        _check_budget(search, "the given budget:")
        return replace(self, search=search)

    def override_for(self, node: str) -> Override:
        """The last override whose pattern matches the node's name, or one that changes nothing."""
        matches = [o for o in self.overrides if fnmatchcase(node, o.pattern)]
        return matches[-1] if matches else Override(pattern=node)

    def for_data(self, given: bool) -> Recipe:
        """The recipe as it is followed with calibration data, or without."""
        if given or not self.algorithms.optional:
            return self
        plain = replace(self.algorithms, rounding="nearest", scaling="none")
        return replace(self, algorithms=plain)

    def without_mixing(self, nodes: Iterable[str]) -> Recipe:
        """The recipe that leaves the channels of these nodes' outputs as they are."""
        spared = (
            replace(self.override_for(node), pattern=glob.escape(node), mixing=False)
            for node in nodes
        )
        return replace(self, overrides=(*self.overrides, *spared))

    def weight_bits(self, node: str) -> int:
        """Width of the node's weights."""
        return self.override_for(node).weight_bits or self.weights.bits


def names() -> list[str]:
    """Recipes that ship with EdgeSDK."""
    folder = resources.files("edgesdk_quant.recipes")
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if ".toml" in p.name)


_SECTIONS: dict[str, type[Any]] = {
    "weights": WeightRecipe,
    "activations": ActivationRecipe,
    "algorithms": Algorithms,
    "search": Search,
}
_TOP = {"name", "description", "override", *_SECTIONS}
# Section and key -> allowed values.
_ALLOWED: dict[tuple[str, str], tuple[Any, ...]] = {
    ("weights", "bits"): WEIGHT_BITS,
    ("weights", "granularity"): GRANULARITIES,
    ("weights", "block"): BLOCKS,
    ("weights", "symmetric"): (True, False),
    ("weights", "range"): WEIGHT_RANGES,
    ("weights", "dynamic"): (True, False),
    ("activations", "bits"): (8, 16),
    ("activations", "range"): ACTIVATION_RANGES,
    ("algorithms", "equalization"): (True, False),
    ("algorithms", "mixing"): (True, False),
    ("algorithms", "bias_correction"): (True, False),
    ("algorithms", "rounding"): ROUNDINGS,
    ("algorithms", "scaling"): SCALINGS,
    ("algorithms", "optional"): (True, False),
    ("search", "method"): ("ilp", "greedy"),
    ("search", "unit"): tuple(UNITS),
    ("override", "quantize"): QUANTIZE,
    ("override", "weight_bits"): (0, *WEIGHT_BITS),
    ("override", "weight_range"): ("", *WEIGHT_RANGES),
    ("override", "activation_range"): ("", *ACTIVATION_RANGES),
    ("override", "mixing"): (True, False),
}

# Key -> the smallest and the largest count.
_COUNTS = {
    "iterations": (1, 100_000),
    "distillation": (0, 100_000),
    "views": (1, 100_000),
    "samples": (1, 10_000),
}
# Key -> a number above the first and up to the second, and how that is said.
_NUMBERS = {
    "percentile": (50.0, 100.0, "above 50, up to 100"),
    "min_sqnr": (-1e-9, 200.0, "of dB from 0 to 200"),
    "budget": (0.0, 1e15, "above 0"),
    "file_share": (-1e-9, 1.0, "from 0 to 1"),
}


def _recipe(table: Mapping[str, Any], source: str) -> Recipe:
    _refuse_unknown(table, _TOP, source)
    sections = {
        title: _section(table[title], title, kind, source)
        for title, kind in _SECTIONS.items()
        if title in table
    }
    overrides = table.get("override", [])
    if not isinstance(overrides, list):
        raise RecipeError(f"{source}: override must be a list; write [[override]].")
    return Recipe(
        name=_text(table, "name", source),
        description=_text(table, "description", source, default=""),
        overrides=tuple(_section(o, "override", Override, source) for o in overrides),
        **sections,
    )


def _section(table: Any, title: str, kind: type[Any], source: str) -> Any:
    if not isinstance(table, dict):
        raise RecipeError(f"{source}: {title} is {table!r}; write a table [{title}].")
    where = f"{source}: [{title}]"
    _refuse_unknown(table, {f.name for f in fields(kind)}, where)
    for key, value in table.items():
        _check_value(title, key, value, where)
    if kind is Override and "pattern" not in table:
        raise RecipeError(f"{where} lacks pattern; give a node name with wildcards.")
    section = kind(**table)
    if isinstance(section, Search):
        _check_budget(section, where)
    return section


def _check_budget(search: Search, where: str) -> None:
    """A share beyond 1 would be no limit."""
    share = UNITS[search.unit].share
    if share and search.budget > 1:
        raise RecipeError(
            f"{where} budget = {search.budget!r}; give a number above 0, up to 1: a share of "
            f'{share}. For an amount write unit = "bytes" or unit = "ms".'
        )


def _check_value(title: str, key: str, value: Any, where: str) -> None:
    allowed = _ALLOWED.get((title, key))
    if allowed is not None:
        # `True == 1` in Python, so the type is compared too.
        if not any(type(value) is type(a) and value == a for a in allowed):
            options = ", ".join(_literal(a) for a in allowed if a != "")
            raise RecipeError(f"{where} {key} = {value!r} is not allowed; choose from {options}.")
    elif key in _COUNTS:
        least, most = _COUNTS[key]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise RecipeError(f"{where} {key} = {value!r}; give a number from {least} to {most}.")
    elif key in _NUMBERS:
        low, high, words = _NUMBERS[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low < value <= high:
            raise RecipeError(f"{where} {key} = {value!r}; give a number {words}.")
    elif not isinstance(value, str) or not value:
        raise RecipeError(f"{where} {key} = {value!r}; give a text.")


def _text(table: Mapping[str, Any], key: str, source: str, default: str | None = None) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise RecipeError(f'{source}: {key} is {value!r}; give a text, e.g. {key} = "w8a8".')
    return value


def _refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise RecipeError(
            f"{where} has no key {', '.join(unknown)}; allowed are {', '.join(sorted(known))}."
        )


def _assignments(section: Any) -> list[str]:
    pairs = ((f.name, getattr(section, f.name)) for f in fields(section))
    return [
        f"{key} = {_literal(value)}"
        for key, value in pairs
        if value != "" and (type(value) is not int or value)  # such an override changes nothing
    ]


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(_ESCAPES.get(c, c) for c in value) + '"'
    return repr(value)


_ESCAPES = {
    **{chr(code): f"\\u{code:04x}" for code in (*range(32), 127)},
    **{'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"},
}
