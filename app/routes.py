"""What the page answers over HTTP: the routes that it uses itself, in requests of a limited size from its own origin.

The web framework serves many more, some of which run programs outside the queue; those of its later versions are closed,
too, until they stand here.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from .hosts import Hosts
from .inputs import NAME, is_own

MAX_JSON_BYTES = 1_000_000
MAX_UPLOAD_BYTES = 200 << 20  # of one file
MULTIPART_BYTES = 100_000  # what the form around an uploaded file may add
MAX_TARGET, MAX_HEADERS, MAX_HEADER_BYTES = 4096, 64, 16_384  # of the address, and of all headers together
ID = NAME.pattern

FILE = "/gradio_api/file="


class Refusal(NamedTuple):
    """The HTTP status and the reason why a request is not answered."""

    status: int
    reason: str


class Route(NamedTuple):
    """Its name in the log, the methods, and a regular expression of the whole path."""

    kind: str
    methods: tuple[str, ...]
    path: str


GET, POST = ("GET",), ("POST",)
READ = ("GET", "HEAD")
ROUTES = (
    Route("page", READ, r"/"),
    Route("config", GET, r"/config"),
    Route("icon", GET, r"/favicon\.ico"),  # browsers ask for both by themselves
    Route("icon", GET, r"/manifest\.json"),
    Route("asset", GET, r"/theme\.css"),
    Route("asset", GET, r"/(assets|static)(?=.{1,200}\Z)(/(?!\.+(/|\Z))[A-Za-z0-9_.@-]+)+"),  # one name of each file
    Route("info", GET, r"/gradio_api/info"),
    Route("app_id", GET, r"/gradio_api/app_id"),  # when a lost connection is back
    Route("events", GET, r"/gradio_api/queue/data"),
    Route("events", GET, rf"/gradio_api/call/predict/{ID}"),  # the way in for programs: the answer to the POST below
    Route("file", READ, rf"{FILE}(/|[A-Za-z]:[\\/]).+"),  # an address instead of a path would be fetched from there
    Route("upload", POST, r"/gradio_api/upload"),
    Route("join", POST, r"/gradio_api/queue/join"),
    Route("cancel", POST, r"/gradio_api/cancel"),
    Route("call", POST, r"/gradio_api/call/predict"),
)
OWN = (Route("health", READ, r"/healthz"), Route("metrics", READ, r"/metrics"))  # which the framework does not have


def kind_of(method: str, path: str) -> str:
    """The name of the route; empty where there is none."""
    for route in (*ROUTES, *OWN):
        if method in route.methods and re.fullmatch(route.path, path, re.DOTALL):
            return route.kind
    return ""


def is_open(method: str, path: str) -> bool:
    """Whether the page uses this route."""
    return kind_of(method, path) != ""


def refuse(
    method: str, path: str, query: str, headers: list[tuple[str, str]], hosts: Hosts, folder: Path
) -> Refusal | None:
    """Why a request is not answered, or None where it is. Header names are in small letters; `folder` is the page's own."""
    if len(headers) > MAX_HEADERS or sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
        return Refusal(431, f"The headers are too long; the limits are {MAX_HEADERS} and {MAX_HEADER_BYTES} bytes.")
    if len(path) + len(query) > MAX_TARGET:
        return Refusal(414, f"The address has {len(path) + len(query)} characters; the limit is {MAX_TARGET}.")
    kind, named = kind_of(method, path), dict(headers)
    if kind != "health" and (refusal := refuse_host([value for name, value in headers if name == "host"], hosts)):
        return refusal
    if not kind:
        return Refusal(
            404, f"Nothing answers {method} here. The page is at /, and /gradio_api/info describes its interface."
        )
    if kind == "file" and not is_handed_out(path.removeprefix(FILE), folder):
        return Refusal(404, "There is no such file. Uploads and results are kept for an hour.")
    if (kind == "events" or (kind == "upload" and query)) and not is_named(path, query):
        return Refusal(404, "There is no such job or upload.")
    return refuse_post(kind, named, hosts) if method == "POST" else None


def refuse_host(given: list[str], hosts: Hosts) -> Refusal | None:
    """Why a request for another name is not answered: a page of that name could read the answer."""
    if len(given) == 1 and hosts.allows(given[0]):
        return None
    seen = given[0][:100] if given else ""
    return Refusal(
        421,
        f"The request is for {seen!r}, under which this page is not known. If that is right, start it with "
        "--allow-host and that name, without the port.",
    )


def refuse_post(kind: str, headers: dict[str, str], hosts: Hosts) -> Refusal | None:
    """Why a post is not answered: it comes from a foreign page, or is too large."""
    origin, host = headers.get("origin"), headers.get("host", "")
    foreign = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    if foreign or (origin is not None and not hosts.owns(origin, host)):
        return Refusal(
            403,
            f"The request comes from a page of {(origin or 'another place')[:100]!r}, but this is {host[:100]!r}, which "
            "takes requests of its own page only. Open the page itself; a proxy before it must pass on the header Host, "
            "or its name be given to --allow-host.",
        )
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdecimal()) or "transfer-encoding" in headers:
        return Refusal(
            411, "The request does not say how long it is. Send it with the header Content-Length, not in chunks."
        )
    limit = MAX_UPLOAD_BYTES + MULTIPART_BYTES if kind == "upload" else MAX_JSON_BYTES
    if int(length[:20]) > limit:
        what = (
            "Upload a shorter clip, one in each request."
            if kind == "upload"
            else "Upload files first, and name them here."
        )
        return Refusal(413, f"The request has {length[:20]} bytes; the limit is {limit}. {what}")
    return None


def is_named(path: str, query: str) -> bool:
    """Whether the events of a job are asked for, or an upload is called, by a name that could be one."""
    return "/call/" in path or re.fullmatch(rf"(session_hash|upload_id)={ID}", query) is not None


def is_handed_out(path: str, folder: Path) -> bool:
    """Whether this is a whole upload or a result, and no link to something else."""
    return is_own(path, folder) and os.path.isfile(path)
