"""Starting and stopping the page: options, temporary folder, port."""

import argparse
import atexit
import errno
import os
import re
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path

from sifa.cli import options
from sifa.errors import RunError, SifaError
from sifa.model.run import choose_device
from sifa.video.child import keep_spare, protections
from sifa.weights.download import fetch
from sifa.weights.shipped import DEFAULT_CHECKPOINT

from . import operation
from .disk import Disk, own_folder
from .hosts import ANY, Hosts

SPACE = "SPACE_HOST"  # the variable in which Hugging Face Spaces says under which name the page is known
EVERY_ADDRESS = ("0.0.0.0", "::")
EXAMPLES = """examples:
  sifa app
  sifa app --port 8000 --device cuda
  sifa app --checkpoint runs/mine/checkpoint.safetensors
  sifa app --host 0.0.0.0 --allow-host clips.example.org --log-file requests.log"""


def main(argv: list[str] | None = None, prog: str = "sifa app") -> int:
    """Serve the page until it is stopped; 0, or 1 where it cannot start, with the reason on stderr.

    `argv` are the options, by default those of the command line; `prog` is the command's name in its help.
    """
    chosen = parser(prog).parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the folder goes then, too
    try:
        serve(chosen, temporary_folder())
    except SifaError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the page was there
        return 130
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
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where to listen: 127.0.0.1 is this computer alone, 0.0.0.0 or :: its whole network (default: 127.0.0.1)",
    )
    parser.add_argument("--share", action="store_true", help="a public link through Gradio's relay")
    others = parser.add_argument_group("for others than yourself")
    others.add_argument(
        "--allow-host",
        action="append",
        default=[],
        type=host_name,
        metavar="NAME",
        help="also answer requests for this name, which a proxy or DNS leads here; *.example.org is all below it, * is "
        "every name; may be repeated",
    )
    others.add_argument(
        "--connections", type=options.whole(1, 100_000), default=500, metavar="N", help="open at once (default: 500)"
    )
    others.add_argument(
        "--connections-each",
        type=options.whole(0, 100_000),
        metavar="N",
        help="open at once from one address, 0 for no limit (default: 200, or 0 where a proxy may stand before the page: "
        "with --allow-host, --proxies, --share or in a Space)",
    )
    others.add_argument(
        "--proxies",
        type=options.whole(0, 10),
        default=0,
        metavar="N",
        help="how many trusted proxies stand before the page and add a visitor's address to X-Forwarded-For (default: 0)",
    )
    others.add_argument("--log-file", metavar="FILE|-", help="a line of JSON for each request and job; - is stderr")
    others.add_argument("--metrics", action="store_true", help="counters for Prometheus at /metrics, for everybody")
    return parser


def host_name(text: str) -> str:
    """The type of --allow-host."""
    name = text.strip().lower()
    if not re.fullmatch(r"\*|(\*\.)?[\w-]+(\.[\w-]+)*|\[[0-9a-f:.]+\]", name, re.ASCII):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a host; use one like clips.example.org, without a port"
        )
    return name


def temporary_folder() -> Path:
    """A new folder for everything that the page writes; it goes when the process ends, after the last thread. Raises
    RunError."""
    try:
        folder = own_folder()
    except OSError as error:
        raise RunError(
            f"there is no room for the page's files ({error.strerror}); name another folder in TMPDIR, or make room"
        ) from None
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def serve(chosen: argparse.Namespace, folder: Path) -> None:
    """Start the page, say where it is, and wait until it is stopped. Raises SifaError where it cannot start."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder)  # before gradio is imported
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"  # else a table of the last 10000 is made anew after every event
    try:
        from fastapi.middleware import Middleware  # comes with gradio

        from . import handlers, layout, running, samples
        from .books import Books
        from .connections import Limits
        from .door import Door
        from .jobs import Jobs
        from .visitors import Visitors
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "gradio", "plotly"):
            raise
        raise RunError(f"the page needs {error.name}; install it with: pip install 'sifa-explorer[app]'") from None
    try:
        operation.log_to(chosen.log_file)
    except OSError as error:
        raise RunError(f"{chosen.log_file} cannot be written ({error.strerror}); choose another --log-file") from None
    listening = listen(chosen.host, chosen.port)
    visitors, disk, jobs = Visitors(), Disk(folder), Jobs()
    operation.COUNTS.queue = jobs.counts
    checkpoint, device = fetch(chosen.checkpoint), choose_device(chosen.device)
    page = layout.build(checkpoint, device, disk, visitors, jobs)
    threading.Thread(target=handlers.warm_up, args=(checkpoint, device), name="warm-up", daemon=True).start()
    books = Books(page, visitors)
    disk.watch(after=books.forget_files)
    hosts = known_as(chosen)
    public = running.share(hosts, chosen.port) if chosen.share else None
    door = Middleware(Door, books=books, visitors=visitors, disk=disk)
    app = running.application(page, folder, hosts, chosen.metrics, door, chosen.proxies)
    for note in (*protections().sentences(), *notes(chosen, bool(samples.find_samples()))):
        print(f"note: {note}", file=sys.stderr)
    keep_spare()
    each = chosen.connections_each
    if each is None:
        each = 0 if chosen.allow_host or chosen.share or chosen.proxies or SPACE in os.environ else Limits.of_one
    told = f"The page is at {public or address(chosen.host, chosen.port)} (stop it with Ctrl+C)"
    running.run(app, listening, folder, chosen.connections, each, told)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises RunError."""
    try:
        family, *_, place = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        both = place[0] == "::" and socket.has_dualstack_ipv6()  # IPv4, too
        return socket.create_server(place, family=family, dualstack_ipv6=both)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise RunError(f"{host!r} is no address of this computer; choose another with --host") from None
        raise RunError(f"port {port} is in use or not allowed; choose another with --port") from None


def address(host: str, port: int) -> str:
    """Where the page is opened on this computer."""
    bare = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host.strip("[]"), host.strip("[]"))
    return f"http://{f'[{bare}]' if ':' in bare else bare}:{port}"


def known_as(chosen: argparse.Namespace) -> Hosts:
    """The names under which the page is asked for."""
    if SPACE in os.environ:  # where only the proxy of Hugging Face reaches it
        return Hosts([ANY, os.environ[SPACE], *chosen.allow_host], around=["https://huggingface.co"])
    bare = chosen.host.strip("[]")
    own = f"[{bare}]" if ":" in bare else bare
    return Hosts(chosen.allow_host, own, addresses=bare in EVERY_ADDRESS)


def notes(chosen: argparse.Namespace, samples: bool) -> list[str]:
    """What is missing, or open to others, in a sentence each."""
    told = []
    if not samples:
        told.append("there are no samples; where they are Git LFS pointers, fetch them with: git lfs pull")
    if chosen.host.strip("[]") in EVERY_ADDRESS and not chosen.allow_host and SPACE not in os.environ:
        told.append(
            "others can reach the page, by addresses of this computer; give names that lead here to --allow-host"
        )
    if chosen.metrics:
        told.append("whoever reaches the page can read /metrics")
    return told
