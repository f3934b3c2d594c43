"""What browsers are told of the page: which scripts it runs, where it may stand, and that nothing else is a page."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable

from .asgi import Application, Headers, Message, Receive, Scope, Send

PAGE = {
    "default-src": "'none'",
    # 'unsafe-eval': Gradio makes functions of the scripts of components; blob: is the viewer, a module of its own
    "script-src": "'self' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "manifest-src": "'self'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "object-src": "'none'",
    "frame-src": "'none'",
}
NO_PAGE = "default-src 'none'; frame-ancestors 'none'"
# a worker has the policy of its own script
ASSET = "default-src 'none'; script-src 'self' blob:; connect-src 'self' data: blob:; frame-ancestors 'none'"
FILE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"  # what was uploaded or exported is not a page of ours
EVERYWHERE = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=(), display-capture=(), usb=(), payment=()"),
)
OF_FILES = {
    b"content-type",
    b"content-length",
    b"content-range",
    b"content-encoding",
    b"vary",
    b"content-disposition",
    b"accept-ranges",
    b"etag",
    b"last-modified",
}
INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)


def page_policy(html: bytes, ancestors: str) -> str:
    """The content policy of a page: of its inline scripts, those run that stand in it now; it may be shown inside pages
    of `ancestors`."""
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in INLINE.findall(html)]
    scripts = " ".join([PAGE["script-src"], *(f"'sha256-{one}'" for one in hashes)])
    return "; ".join(
        f"{key} {value}" for key, value in {**PAGE, "script-src": scripts, "frame-ancestors": ancestors}.items()
    )


def with_headers(headers: Iterable[tuple[bytes, bytes]], kind: str) -> Headers:
    """The headers of an answer of a route of this kind, with those that every answer has."""
    own = {name for name, _ in EVERYWHERE}
    kept = [(name.lower(), value) for name, value in headers if name.lower() not in own]
    if kind == "file":  # of which the framework repeats what the request said, where a part is asked for
        kept = [(name, value) for name, value in kept if name in OF_FILES]
        disposition = dict(kept).get(b"content-disposition", b"attachment")
        kept = [(name, value) for name, value in kept if name != b"content-disposition"]
        kept.append((b"content-disposition", disposition.replace(b"inline", b"attachment", 1)))
    if not any(name == b"content-security-policy" for name, _ in kept):
        kept.append((b"content-security-policy", {"file": FILE, "asset": ASSET}.get(kind, NO_PAGE).encode()))
    return [*kept, *EVERYWHERE]


class PagePolicy:
    """ASGI middleware inside the framework's own, where the page is not compressed yet: it states the page's content
    policy."""

    def __init__(self, app: Application, ancestors: Callable[[], str]) -> None:
        self.app, self.ancestors = app, ancestors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; only the page itself is changed, which is made whole before it is sent."""
        if scope["type"] != "http" or scope["path"] != "/":
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def send_whole(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                policy = page_policy(bytes(body), self.ancestors()).encode()
                headers = [*start.get("headers", []), (b"content-security-policy", policy)]
                await send({**start, "headers": headers})
                await send({"type": "http.response.body", "body": bytes(body)})

        await self.app(scope, receive, send_whole)
