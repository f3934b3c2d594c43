"""What the page answers over HTTP: the routes that it uses itself, in requests of a limited size from its own origin.

The web framework serves many more, some of which run programs outside the queue; those of its later versions are closed,
too, until they stand here.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_JSON_BYTES = 1_000_000
MAX_UPLOAD_BYTES = 200 << 20  # of one file
MULTIPART_BYTES = 100_000  # what the form around an uploaded file may add
UPLOAD = "/gradio_api/upload"
ROUTES = {  # regular expressions of whole paths
    "GET": (
        r"/",
        r"/config",
        r"/favicon\.ico",
        r"/manifest\.json",
        r"/robots\.txt",
        r"/theme\.css",
        r"/(assets|static)/.+",
        r"/gradio_api/(info|app_id|startup-events|upload_progress)",
        r"/gradio_api/heartbeat/[\w-]+",
        r"/gradio_api/queue/data",
        r"/gradio_api/call/\w+/[\w-]+",  # the way in for programs: the answer to the POST below
        r"/gradio_api/file=(/|[A-Za-z]:[\\/]).+",  # results; an address instead of a path would be fetched from there
    ),
    "POST": (UPLOAD, r"/gradio_api/queue/join", r"/gradio_api/(cancel|reset)", r"/gradio_api/call/\w+"),
}
ROUTES["HEAD"] = ROUTES["GET"]


class Guard:
    """ASGI middleware that answers by itself what the application must not see, and forbids guessing of types."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection; of those that are not HTTP only the server's own start and end go through."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = refuse(scope["method"], scope["path"], headers)

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = (b"x-content-type-options", b"nosniff")
                message = {**message, "headers": [*message.get("headers", []), extra]}
            await send(message)

        if refusal is None:
            await self.app(scope, receive, send_safely)
            return
        status, reason = refusal
        text = f"{reason}\n".encode()
        kept = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
        if scope["method"] == "POST":
            kept.append((b"connection", b"close"))  # the rest of the body is not read
        await send_safely({"type": "http.response.start", "status": status, "headers": kept})
        await send_safely({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else text})


def refuse(method: str, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
    """The HTTP status and the reason why a request is not answered, or None where it is. Header names are in small letters."""
    if not is_open(method, path):
        return 404, f"Nothing answers {method} here. The page is at /, and /gradio_api/info describes its interface."
    if method != "POST":
        return None
    origin, host = headers.get("origin"), headers.get("host", "")
    if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
        return 403, (
            f"The request comes from a page of {origin[:100]!r}, but this is {host[:100]!r}, which takes requests of its own "
            "page only. Open the page itself; a proxy before it must pass on the header Host."
        )
    length = headers.get("content-length", "")
    if not length.isdecimal() or "transfer-encoding" in headers:
        return 411, "The request does not say how long it is. Send it with the header Content-Length, not in chunks."
    limit = MAX_UPLOAD_BYTES + MULTIPART_BYTES if path == UPLOAD else MAX_JSON_BYTES
    if int(length[:20]) > limit:
        what = (
            "Upload a shorter clip, one in each request."
            if path == UPLOAD
            else "Upload files first, and name them here."
        )
        return 413, f"The request has {length[:20]} bytes; the limit is {limit}. {what}"
    return None


def is_open(method: str, path: str) -> bool:
    """Whether the page uses this route."""
    return any(re.fullmatch(route, path, re.DOTALL) for route in ROUTES.get(method, ()))
