"""The command `sifa`: one file a subcommand, each with `add_arguments(parser)`, `run(arguments)` and EXAMPLES."""

import argparse
import re
import sys
from collections.abc import Sequence
from importlib import import_module

from sifa import __version__
from sifa.cli.options import Misuse
from sifa.errors import SifaError
from sifa.model.kernels import described

COMMANDS = {
    "predict": "say what a clip shows, and write its trace or its page",
    "app": "start the page that people upload clips to",
    "train": "train on generated clips, or fine-tune on clips of your own",
    "evaluate": "measure how good weights are",
    "batch": "make a table of figures, and a trace of each, of many clips",
    "browse": "look through such a table, in the browser",
    "metamorphic": "check weights on any videos, without labels",
    "trust": "say how far to trust what a clip's trace shows",
    "convert": "make a checkpoint from other code's weights",
    "cost": "count the parameters and multiply-adds of every variant",
    "make": "make the sample clips, or the second held-out set",
}
EXTRAS = {  # package -> what installs it
    **dict.fromkeys(("gradio", "plotly", "starlette", "uvicorn"), "app"),
    **dict.fromkeys(("pyarrow", "duckdb"), "batch"),
    "huggingface_hub": "hub",
    "skimage": "train",
    "cv2": "real",
}
EXAMPLES = """examples:
  sifa predict clip.mp4 --out page.html      the explorer of one clip, in one file
  sifa app                                   the page, in the browser
  sifa train --data clips --out runs/mine    fine-tune on a folder with one sub-folder per class
  sifa evaluate                              accuracy of the shipped weights

`sifa COMMAND --help` says more. A command ends with 0, with 1 where it could not do its work and says why in one
sentence, with 2 where it was called wrongly."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv`, by default the program's own; returns the exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(argv)
    except (SifaError, OSError) as error:
        print(_sentence(error), file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        print(
            f"this needs {package}, which is not installed; pip install 'sifa-explorer[{EXTRAS[package]}]'",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _run(argv: list[str]) -> int:
    """Only the chosen command is imported, so that `sifa --help` need not wait for what others need."""
    choice = next((word for word in argv if not word.startswith("-")), "")
    if argv[:1] == ["app"]:  # its options are the page's own
        from sifa.cli import app

        return app.run(argv[1:])
    parser = argparse.ArgumentParser(
        prog="sifa",
        description="See how a video model follows motion.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    engines = f", {described()}" if "--version" in argv else ""  # to find out takes a moment
    parser.add_argument("--version", action="version", version=f"sifa {__version__}{engines}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, line in COMMANDS.items():
        commands.add_parser(name, help=line, formatter_class=argparse.RawDescriptionHelpFormatter)
    if choice == "app" or choice not in COMMANDS:  # --help, --version, or a mistake
        parser.parse_args(argv)
        return 2
    command, own = import_module(f"sifa.cli.{choice}"), commands.choices[choice]
    own.description, own.epilog = command.__doc__, command.EXAMPLES
    command.add_arguments(own)
    arguments = parser.parse_args(argv)
    try:
        return int(command.run(arguments))
    except Misuse as misuse:
        own.error(str(misuse))


def _sentence(error: SifaError | OSError) -> str:
    """What went wrong, without the number that an OSError begins with."""
    if isinstance(error, OSError) and error.strerror:
        return shown(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    return shown(str(error))


def shown(text: str) -> str:
    """A text with \\x.. in place of what changes the screen; names in files that others made may hold it."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)
