"""What several commands ask for, each defined once: the same option means the same thing in all of them."""

import argparse
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sifa.errors import RunError

if TYPE_CHECKING:
    from sifa.data.listing import Listing
    from sifa.model.registry import SIFAModel

READERS = 2
Options = argparse._ActionsContainer  # a parser, or a group of its options


class Misuse(Exception):
    """Options that do not go together; the message says which, and ends in the command's usage."""


def add_checkpoint(parser: Options, fallback: str = "the shipped ones", **changes: Any) -> None:
    parser.add_argument(
        "--checkpoint",
        type=weights_source,
        metavar="WEIGHTS",
        help=f"a file, a URL, or hf-hub:owner/name[/file] (default: {fallback})",
        **changes,
    )


def add_device(parser: Options, default: str = "cpu") -> None:
    parser.add_argument(
        "--device",
        default=default,
        type=device_name,
        metavar="auto|cpu|cuda|cuda:N",
        help=f"where to compute; auto is a GPU where there is one (default: {default})",
    )


def add_json(parser: Options) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def add_out(parser: Options, what: str, **changes: Any) -> None:
    parser.add_argument("--out", type=place, metavar="PATH", help=what, **changes)


def add_amp(parser: Options, *kinds: str) -> None:
    parser.add_argument("--amp", choices=kinds, help="compute in reduced precision, under autocast")


def add_compile(parser: Options) -> None:
    parser.add_argument("--compile", action="store_true", help="run the model through torch.compile")


def add_readers(parser: Options, what: str) -> None:
    parser.add_argument(
        "--readers", type=whole(1, 1024), default=READERS, metavar="N", help=f"{what} (default: {READERS})"
    )


def add_data(parser: Options, purpose: str) -> None:
    parser.add_argument(
        "--data", type=place, metavar="PATH", help=f"{purpose}: a folder with one sub-folder per class, or a list file"
    )
    add_reading(parser, "--data")


def add_reading(parser: Options, data: str) -> None:
    """How a list is read."""
    parser.add_argument(
        "--labels",
        type=place,
        metavar="FILE",
        help=f"names of the classes, where {data} gives numbers: one a line, with its number or without, or JSON",
    )
    parser.add_argument(
        "--videos", type=place, metavar="PATH", help="where the files of a list lie (default: beside it)"
    )
    parser.add_argument(
        "--class-numbers-from",
        type=int,
        choices=(0, 1),
        help="the first class number, where a list and its names leave that open",
    )
    parser.add_argument(
        "--allow-missing", action="store_true", help="count missing files of a list as unreadable instead of stopping"
    )


def read_listing(arguments: argparse.Namespace, classes_needed: bool = True) -> "Listing":
    """What --data names, as the options beside it say. Raises DataError."""
    from sifa.data import listing

    return listing.read_listing(
        arguments.data,
        arguments.labels,
        arguments.videos,
        arguments.class_numbers_from,
        arguments.allow_missing,
        classes_needed,
    )


def device_name(text: str) -> str:
    """The type of --device; whether there is such a device is not looked at yet."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device; use auto, cpu, cuda or cuda:N")
    return text


def place(text: str) -> Path:
    """The type of files and folders. An empty text is what a variable that is not set leaves, and never the folder one is in."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; give a file or a folder")
    return Path(text)


def weights_source(text: str) -> str:
    """The type of --checkpoint. An empty text is what a variable that is not set leaves, and never means the shipped ones."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; give a file, a URL or hf-hub:owner/name")
    return text


def whole(least: int, most: int = 10**6) -> Callable[[str], int]:
    """The type of options that are a whole number from `least` to `most`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"it is {text}; give a whole number from {least} to {most}")
        return int(text)

    return parse


def number(most: float = math.inf) -> Callable[[str], float]:
    """The type of options that are a number from 0 to `most`."""
    limits = ", at least 0" if math.isinf(most) else f" from 0 to {most:g}"

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (0 <= value <= most and math.isfinite(value)):
            raise argparse.ArgumentTypeError(f"it is {text}; give a number{limits}")
        return value

    return parse


def json_object(text: str) -> dict[str, Any]:
    """The type of options that are a JSON object."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'it is {text}; give a JSON object, such as {{"offsets": "zero"}}')
    return value


count = whole(1)


def check_suffix(name: str, file: Path, *known: str) -> None:
    """Raises Misuse unless the file that option `name` gives ends in one of the `known`, after which words may follow."""
    if file.suffix.lower() not in [words.split()[0] for words in known]:
        words = ", ".join(known[:-1]) + (" or " if known[1:] else "") + known[-1]
        raise Misuse(f"{name} ends in {file.suffix!r}; use {words}")


def check_folder(file: Path) -> None:
    """Raises RunError, before any work is done for it, where the folder of a file to write is missing."""
    if not file.parent.is_dir():
        raise RunError(f"there is no folder {file.parent} to write {file.name} into; make it first")


def load_model(arguments: argparse.Namespace, device: str | None = None) -> "SIFAModel":
    """The model that --checkpoint asks for, on `device` or the one that --device names. Raises WeightsError, and RunError for a
    device that is not there."""
    from sifa.model.run import choose_device
    from sifa.weights.checkpoint import load
    from sifa.weights.shipped import DEFAULT_CHECKPOINT

    return load(arguments.checkpoint or DEFAULT_CHECKPOINT, choose_device(device or arguments.device))
