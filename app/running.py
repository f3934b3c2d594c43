"""Running the page: the web server with the guard before it, a public link, and the end, which waits for nobody."""

import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

import gradio as gr
import uvicorn
from fastapi import FastAPI
from fastapi.middleware import Middleware
from gradio import networking
from gradio.tunneling import CURRENT_TUNNELS

from sifa.errors import RunError

from . import layout
from .connections import Limits, limited
from .guard import Guard
from .hosts import Hosts
from .policy import PagePolicy
from .routes import MAX_UPLOAD_BYTES

MAX_EVENTS = 500  # at once: more than the door lets in
MAX_SESSIONS = 100  # of which the framework remembers the values of all components, a fifth of a megabyte each
LAST_SECONDS = 1.0  # for answers on their way when the page is stopped


def application(
    page: gr.Blocks, folder: Path, hosts: Hosts, metrics: bool, door: Middleware, proxies: int = 0
) -> Guard:
    """The page as an ASGI application that strangers may ask; `door` says what it takes at once, and `proxies` how many
    trusted proxies stand before it."""
    page.max_threads = page._queue.max_thread_count = MAX_EVENTS
    page.state_session_capacity = (
        MAX_SESSIONS  # whoever comes back later begins anew there, which nothing here depends on
    )
    page.has_launched = True  # without which Gradio lets a job read every file of this computer
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    gr.mount_gradio_app(
        outer,
        page,
        "/",
        theme=layout.THEME,
        css=layout.CSS,
        max_file_size=MAX_UPLOAD_BYTES,
        root_path=os.environ.get("GRADIO_ROOT_PATH"),
        app_kwargs={"middleware": [Middleware(PagePolicy, ancestors=hosts.ancestors), door]},
        footer_links=["api"],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
    )
    return Guard(outer, folder, hosts, metrics, proxies)


def share(hosts: Hosts, port: int) -> str:
    """The address of a public link, under whose name the page is known from here on. Raises RunError."""
    try:
        found = networking.setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), None, None)
    except Exception as error:  # of many kinds
        raise RunError(f"there is no public link ({error}); check the network, or start without --share") from None
    place = urlsplit(found).netloc
    hosts.named.add(place)
    return f"https://{place}"


def run(app: Guard, listening: socket.socket, folder: Path, connections: int, each: int, told: str) -> NoReturn:
    """Answer at a socket until the process is stopped; once it listens, `told` is printed. It ends the process.

    At most so many connections are open at once in all, and from each address, where that is not 0."""
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # whoever uploads could fill the terminal
    config = uvicorn.Config(
        app,
        http=limited(Limits(connections=connections, of_one=each)),
        ws="none",
        log_level="error",
        access_log=False,
        proxy_headers=False,  # whoever connects is who they are, whatever their headers say
        server_header=False,
        h11_max_incomplete_event_size=20_000,
    )
    server = Server(config, folder, told)
    try:
        server.run(sockets=[listening])
    except (KeyboardInterrupt, SystemExit):  # uvicorn passes on what stopped it
        if not server.started:
            raise
    end(folder)


class Server(uvicorn.Server):
    """uvicorn, which says when it listens, and ends soon after it is told to, also in the middle of a job."""

    def __init__(self, config: uvicorn.Config, folder: Path, told: str) -> None:
        super().__init__(config)
        self.folder, self.told = folder, told

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        print(self.told, flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """At Ctrl+C, or at a request to end: threads that still work, and streams that are still read, do not hold it."""
        if self.should_exit:
            end(self.folder)
        super().handle_exit(sig, frame)
        last = threading.Timer(LAST_SECONDS, end, [self.folder])
        last.daemon = True
        last.start()


def end(folder: Path) -> NoReturn:
    """End the process now, with its children and its folder."""
    for tunnel in CURRENT_TUNNELS:
        tunnel.kill()  # type: ignore[no-untyped-call]
    for child in children():
        os.kill(child, signal.SIGKILL)
    for _ in range(3):  # a job may write at the same time
        shutil.rmtree(folder, ignore_errors=True)
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def children() -> Iterator[int]:
    """The processes that this one has started, where the system lists them: on Linux."""
    for listed in Path("/proc/self/task").glob("*/children"):
        try:
            yield from map(int, listed.read_text().split())
        except OSError:  # a thread that has just ended
            continue
