"""What never changes while the page runs, its scripts, styles and icons, answered from memory once it was made."""

import re

from .asgi import Application, Message, Receive, Scope, Send

MAX_BYTES = 64 << 20  # kept in all
COMPRESSIONS = ("br", "gzip")  # that the framework has, the better one first


class Kept:
    """ASGI application before another one, for its answers that depend on the path and the compression alone."""

    def __init__(self, app: Application) -> None:
        self.app, self.size = app, 0
        self.answers: dict[tuple[str, bytes], list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; what it says beside the path, such as a part of the file, is not looked at."""
        headers = dict(scope["headers"])
        compression = accepted(headers.get(b"accept-encoding", b"").decode("latin-1"))
        answer = self.answers.get((scope["path"], compression))
        if answer is None:
            answer = await self._make(scope, headers.get(b"host", b""), compression, receive)
        etag = dict(answer[0].get("headers", [])).get(b"etag")
        if etag is not None and etag == headers.get(b"if-none-match"):
            await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", etag)]})
            await send({"type": "http.response.body", "body": b""})
            return
        for message in answer:
            await send(message)

    async def _make(self, scope: Scope, host: bytes, compression: bytes, receive: Receive) -> list[Message]:
        answer: list[Message] = []

        async def hold(message: Message) -> None:
            answer.append(message)

        said = [(b"host", host), (b"accept-encoding", compression)]
        await self.app({**scope, "headers": said, "query_string": b""}, receive, hold)
        size = sum(len(message.get("body", b"")) for message in answer)
        if answer[0]["status"] == 200 and self.size + size <= MAX_BYTES:
            self.size += size
            self.answers[scope["path"], compression] = answer
        return answer


def accepted(header: str) -> bytes:
    """The compression for a client that says this of itself in Accept-Encoding."""
    named = {part.partition(";")[0].strip(): part for part in header.lower().split(",")}
    for one in COMPRESSIONS:
        if one in named and not re.search(r";\s*q=0(\.0*)?\s*$", named[one]):
            return one.encode()
    return b"identity"
