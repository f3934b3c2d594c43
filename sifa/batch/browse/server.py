"""The page's server: what it answers, and with which headers."""

import socket
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sifa.batch.browse.page import notice, table_page
from sifa.batch.browse.table import Filters, Table
from sifa.errors import RunError, SifaError
from sifa.explorer.format.unpack import read_file
from sifa.explorer.page import POLICY, to_html

STYLE = Path(__file__).parent / "style.css"
PAGE = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
EXPLORER = f"{POLICY}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}
LOCAL = ["127.0.0.1", "localhost", "[::1]"]


class ClipNumber(IntegerConvertor):
    """A number that a table's column can hold; what is longer names no page."""

    regex = "[0-9]{1,18}"


register_url_convertor("clip", ClipNumber())


def application(table: Table, hosts: list[str] | None = None) -> Starlette:
    """The page over a table, which answers under these names of the machine; ["*"] for any."""

    def clips(request: Request) -> Response:
        return _html(table_page(table, Filters.parse(request.query_params)))

    def clip(request: Request) -> Response:
        row = table.clip(request.path_params["number"])
        if row is None:
            return _html(notice("There is no such clip", "The table has no clip of this number."), 404)
        name = Path(row["file"]).name
        if row["error"] is not None:
            return _html(notice(name, f"This clip failed: {row['error']}"), 404)
        try:
            packed = read_file(table.trace_file(row))
            return _html(to_html(packed, title=f"{name}: {row['answer']}"), policy=EXPLORER)
        except SifaError as error:
            return _html(notice(name, str(error)), 404)

    def thumbnail(request: Request) -> Response:
        jpeg = table.thumbnail(request.path_params["number"])
        return _answer(jpeg, "image/jpeg") if jpeg else _answer(b"", "image/jpeg", 404)

    def icon(_: Request) -> Response:
        return Response(status_code=204)

    def style(_: Request) -> Response:
        return _answer(STYLE.read_bytes(), "text/css; charset=utf-8")

    def unreadable(_: Request, error: Exception) -> Response:
        return _html(notice("The table cannot be read", str(error)), 500)

    routes = [
        Route("/", clips),
        Route("/clip/{number:clip}", clip),
        Route("/thumbnail/{number:clip}", thumbnail),
        Route("/style.css", style),
        Route("/favicon.ico", icon),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts or LOCAL)],
        exception_handlers={SifaError: unreadable},
    )


def serve(table: Table, host: str, port: int) -> None:
    """Serve the page over a table until Ctrl+C. Raises RunError where the address or port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            raise RunError(
                f"the page cannot be at {host}, port {port} ({error.strerror}); give another --host or --port"
            ) from error
        shown = f"[{host}]" if ":" in host else host
        everywhere = host in ("0.0.0.0", "::")
        print(f"The table is at http://{shown}:{listening.getsockname()[1]}/ (Ctrl+C ends it)", flush=True)
        if host not in ("127.0.0.1", "localhost", "::1"):
            print("Everybody who reaches this machine by that address can see its clips.", flush=True)
        app = application(table, ["*"] if everywhere else [*LOCAL, shown])
        uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False)).run(sockets=[listening])


def _html(text: str, status: int = 200, policy: str = PAGE) -> Response:
    return _answer(text.encode(errors="replace"), "text/html; charset=utf-8", status, policy)


def _answer(body: bytes, kind: str, status: int = 200, policy: str = PAGE) -> Response:
    headers = {**HEADERS, "content-security-policy": policy}
    return Response(body, status, headers, kind)
