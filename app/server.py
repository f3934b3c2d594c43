"""Starting and stopping the page: options, temporary folder, port."""

import argparse
import atexit
import os
import shutil
import signal
import sys
from pathlib import Path

from sifa.cli import options
from sifa.errors import RunError, SifaError
from sifa.model.run import choose_device
from sifa.weights.download import fetch
from sifa.weights.shipped import DEFAULT_CHECKPOINT

from .disk import Disk, own_folder
from .routes import MAX_UPLOAD_BYTES, Guard

MAX_EVENTS = 500  # at once: more than the door lets in
EXAMPLES = """examples:
  sifa app
  sifa app --port 8000 --device cuda
  sifa app --checkpoint runs/mine/checkpoint.safetensors"""


def main(argv: list[str] | None = None, prog: str = "sifa app") -> int:
    """Serve the page until it is stopped; 0, or 1 where it cannot start, with the reason on stderr.

    `argv` are the options, by default those of the command line; `prog` is the command's name in its help.
    """
    chosen = parser(prog).parse_args(argv)
    folder = temporary_folder()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the folder goes then, too
    try:
        serve(chosen.checkpoint, chosen.device, chosen.port, chosen.share, folder)
    except SifaError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Start the page that people upload clips to; it runs until Ctrl+C.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_checkpoint(parser, default=DEFAULT_CHECKPOINT)
    options.add_device(parser, default="auto")
    parser.add_argument(
        "--port", type=options.whole(1, 65535), default=7860, metavar="N", help="of the page's address (default: 7860)"
    )
    parser.add_argument("--share", action="store_true", help="a public link through Gradio's relay")
    return parser


def temporary_folder() -> Path:
    """A new folder for everything that the page writes; it goes when the process ends, after the last thread."""
    folder = own_folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def serve(checkpoint: str | Path, device: str, port: int, share: bool, folder: Path) -> None:
    """Start the page, say where it is, and wait until it is stopped. Raises SifaError where it cannot start."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder)  # before gradio is imported
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"  # else a table of the last 10000 is made anew after every event
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")  # whoever connects is who they are, whatever their headers say
    try:
        from fastapi.middleware import Middleware  # comes with gradio

        from . import layout
        from .books import Books
        from .door import Door
        from .visitors import Visitors
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "gradio", "plotly"):
            raise
        raise RunError(f"the page needs {error.name}; install it with: pip install 'sifa-explorer[app]'") from None
    visitors, disk = Visitors(), Disk(folder)
    page = layout.build(fetch(checkpoint), choose_device(device), disk, visitors)
    books = Books(page, visitors)
    disk.watch(after=books.forget_files)
    try:
        _, local, public = page.launch(
            server_port=port,
            share=share,
            theme=layout.THEME,
            css=layout.CSS,
            max_file_size=MAX_UPLOAD_BYTES,
            app_kwargs={"middleware": [Middleware(Guard), Middleware(Door, books=books, visitors=visitors, disk=disk)]},
            max_threads=MAX_EVENTS,
            state_session_capacity=MAX_EVENTS,
            run_history=False,
            footer_links=["api"],
            quiet=True,
            prevent_thread_lock=True,
        )
    except OSError:
        raise RunError(f"port {port} is in use or not allowed; choose another with --port") from None
    print(f"The page is at {public or local} (stop it with Ctrl+C)", flush=True)
    page.block_thread()
