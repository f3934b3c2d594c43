"""What several commands ask for, each defined once: the same option means the same thing in all of them."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sifa.model.registry import SIFAModel


Options = argparse._ActionsContainer  # a parser, or a group of its options


class Misuse(Exception):
    """Options that do not go together; the message says which, and ends in the command's usage."""


def add_checkpoint(parser: Options, fallback: str = "the shipped ones", **changes: Any) -> None:
    parser.add_argument(
        "--checkpoint",
        metavar="WEIGHTS",
        help=f"a file, a URL, or hf-hub:owner/name[/file] (default: {fallback})",
        **changes,
    )


def add_device(parser: Options) -> None:
    parser.add_argument(
        "--device",
        default="cpu",
        type=device_name,
        metavar="auto|cpu|cuda|cuda:N",
        help="where to compute; auto is a GPU where there is one (default: cpu)",
    )


def add_json(parser: Options) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def add_out(parser: Options, what: str, **changes: Any) -> None:
    parser.add_argument("--out", type=Path, metavar="PATH", help=what, **changes)


def add_amp(parser: Options, *kinds: str) -> None:
    parser.add_argument("--amp", choices=kinds, help="compute in reduced precision, under autocast")


def add_data(parser: Options, purpose: str) -> None:
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help=f"{purpose}: a folder with one sub-folder per class, or a list file"
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="names of the classes, where --data gives numbers: one a line, or a JSON object name -> number",
    )


def device_name(text: str) -> str:
    """The type of --device; whether there is such a device is not looked at yet."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device; use auto, cpu, cuda or cuda:N")
    return text


def count(text: str) -> int:
    """The type of options that are a number of things, at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"it is {text}; give at least 1")
    return int(text)


def load_model(arguments: argparse.Namespace) -> "SIFAModel":
    """The model that --checkpoint and --device ask for. Raises WeightsError, and RunError for a device that is not there."""
    from sifa.model.run import choose_device
    from sifa.weights.checkpoint import load
    from sifa.weights.shipped import DEFAULT_CHECKPOINT

    return load(arguments.checkpoint or DEFAULT_CHECKPOINT, choose_device(arguments.device))
