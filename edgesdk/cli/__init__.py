"""The command `edgesdk`: the verbs of the API, with the same defaults.

Exit codes: 0 done; 1 a threshold that was asked for is not met; 2 the input cannot be used;
130 interrupted by Ctrl-C.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence

import edgesdk
from edgesdk.cli.verb import Verb
from edgesdk_runtimes.errors import EdgeError

# Verb -> the module that defines VERB, in the order of use.
VERBS: Mapping[str, str] = {
    "quantize": "edgesdk.cli.quantize",
    "finetune": "edgesdk.cli.finetune",
    "verify": "edgesdk.cli.verify",
    "evaluate": "edgesdk.cli.evaluate",
    "run": "edgesdk.cli.run",
    "bench": "edgesdk.cli.bench",
    "target": "edgesdk.cli.target",
    "inspect": "edgesdk.cli.inspect",
    "report": "edgesdk.cli.report",
    "trace": "edgesdk.cli.trace",
    "doctor": "edgesdk.cli.doctor",
}

LONGEST_REASON = 300
# Modules that come with the extra "quantize"; a device runs models without them.
OPTIONAL = frozenset({"torch", "onnx", "onnx_ir", "onnxscript", "google", "ml_dtypes", "tomli"})
QUANTIZE_EXTRA = "Run: pip install 'edgesdk[quantize]'. Running .tflite files needs none of it."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    options = command_line().parse_args(arguments)
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return _fail(options, f"Interrupted. {options.verb.resume}", 130)
    except BrokenPipeError:  # the reader of our output (head, less) went away
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except EdgeError as error:
        return _fail(options, f"error: {error}", 2)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        advice = f"error: this needs {package}, which is not installed. {QUANTIZE_EXTRA}"
        return _fail(options, advice if package in OPTIONAL else f"error: {error}", 2)
    except MemoryError:
        return _fail(options, "error: out of memory. Close other programs, or use less data.", 2)
    except Exception as error:  # a fault of ours: still one sentence, and the way to its trace
        kind = type(error).__name__
        reason = " ".join(str(error).split())[:LONGEST_REASON]
        sentence = f"error: unexpected {kind}: {reason}. Run it again with --debug and report it."
        return _fail(options, sentence, 2)


def command_line() -> argparse.ArgumentParser:
    """The parser of all verbs and their options."""
    parser = argparse.ArgumentParser(
        "edgesdk", description="Quantize a trained model, prove it, and run it on the edge."
    )
    parser.add_argument("--version", action="version", version=f"edgesdk {edgesdk.__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, module in VERBS.items():
        verb: Verb = importlib.import_module(module).VERB
        sub = verbs.add_parser(name, help=verb.help, description=verb.help)
        verb.add_arguments(sub)
        sub.add_argument("--debug", action="store_true", help="show the trace of an error")
        sub.set_defaults(run=verb.run, verb=verb)
    return parser


def _fail(options: argparse.Namespace, sentence: str, code: int) -> int:
    if options.debug:
        traceback.print_exc()
    print(sentence, file=sys.stderr)
    return code


def _show_warning(message: Warning | str, category: type[Warning], *_: object) -> None:
    """Our own warnings are sentences; others keep their category."""
    prefix = "" if category is UserWarning else f"{category.__name__}: "
    print(f"note: {prefix}{message}", file=sys.stderr)
