"""Check weights on any videos, without labels: played backwards, mirrored and frozen, a motion must be the one that follows.

Of whatever the model says of a window, the window played backwards must give the opposite motion, the mirrored one left
and right exchanged, and one frame held still "nothing moves". Windows where the model is unsure are counted, not checked."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from sifa.cli import options
from sifa.cli.progress import progress_bar

if TYPE_CHECKING:
    from sifa.evaluation.metamorphic import Check, Window

EXAMPLES = """examples:
  sifa metamorphic videos
  sifa metamorphic videos --windows 2 --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=options.place, help="a folder of videos; those in its sub-folders count, too")
    options.add_checkpoint(parser)
    options.add_device(parser)
    parser.add_argument(
        "--windows", type=options.count, default=8, metavar="N", help="at most, of each video (default: 8)"
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sifa.evaluation.metamorphic import check_folder

    with progress_bar() as progress:
        check = check_folder(options.load_model(arguments), arguments.folder, arguments.windows, progress)
    print(json.dumps(plain(check)) if arguments.json else describe(check))
    return 0


def plain(check: "Check") -> dict[str, object]:
    """For --json."""
    return dict(
        windows=[asdict(window) for window in check.windows],
        sure=len(check.sure),
        hold=check.holds,
        cuts=check.cuts,
        unreadable=check.unreadable,
    )


def describe(check: "Check") -> str:
    """Every window, then the counts, in lines."""
    from sifa.evaluation.metamorphic import CHANGES, SURE

    sure = len(check.sure)
    lines = [
        f"{window.video}, frame {window.start}: {window.label} {window.probability:.2f}  {verdict(window)}"
        for window in check.windows
    ]
    lines += [f"could not be read: {name}: {why}" for name, why in check.unreadable.items()]
    share = f" ({check.holds / sure:.0%})" if sure else ""
    lines.append(
        f"{len(check.windows)} windows, {sure} with a class above {SURE}: all three hold in {check.holds}{share}"
    )
    for change in CHANGES:
        lines.append(f"  {change}: {sum(change not in window.failures for window in check.sure)} of {sure}")
    lines.append(
        f"left out: {check.cuts} windows that cross a cut, {len(check.unreadable)} files that could not be read"
    )
    return "\n".join(lines)


def verdict(window: "Window") -> str:
    """Whether the window's three changes follow from it, in words."""
    from sifa.evaluation.metamorphic import SURE

    if window.probability <= SURE:
        return "unsure"
    if not window.failures:
        return "holds"
    return "FAILS " + ", ".join(f"{change}: {getattr(window, change)}" for change in window.failures)
