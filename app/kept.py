"""What never changes while the page runs, its scripts, styles and icons, answered from memory once it was made."""

import asyncio
import re

from .asgi import Application, Message, Receive, Scope, Send, again

MAX_BYTES = 96 << 20  # kept in all; what the framework has takes 70 MB, in all compressions
COMPRESSIONS = ("br", "gzip")  # that the framework has, the better one first


class Kept:
    """ASGI application before another one, for its answers that depend on the path and the compression alone."""

    def __init__(self, app: Application) -> None:
        self.app, self.size = app, 0
        self.answers: dict[tuple[str, bytes], list[Message]] = {}
        self.making: dict[tuple[str, bytes], asyncio.Task[list[Message]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; what it says beside the path, such as a part of the file, is not looked at."""
        headers = dict(scope["headers"])
        compression = accepted(headers.get(b"accept-encoding", b"").decode("latin-1"))
        key = scope["path"], compression
        answer = self.answers.get(key)
        if answer is None:
            if key not in self.making:
                said = [(b"host", headers.get(b"host", b"")), (b"accept-encoding", compression)]
                self.making[key] = asyncio.create_task(self._make({**scope, "headers": said, "query_string": b""}, key))
            answer = await asyncio.shield(self.making[key])  # others may wait for it, too
        etag = dict(answer[0].get("headers", [])).get(b"etag")
        if etag is not None and etag == headers.get(b"if-none-match"):
            await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", etag)]})
            await send({"type": "http.response.body", "body": b""})
            return
        for message in answer:
            await send(message)

    async def _make(self, scope: Scope, key: tuple[str, bytes]) -> list[Message]:
        answer: list[Message] = []

        async def hold(message: Message) -> None:
            answer.append(message)

        try:
            await self.app(scope, again(b"", never), hold)
        finally:
            del self.making[key]
        if answer[0]["status"] == 200:
            answer = self._keep(key, answer)
        return answer

    def _keep(self, key: tuple[str, bytes], answer: list[Message]) -> list[Message]:
        """What is not compressed is the same for everybody."""
        plain = b"content-encoding" not in dict(answer[0]["headers"])
        common = (key[0], b"identity") if plain else key
        kept = self.answers.get(common)
        if kept is None:
            size = sum(len(message.get("body", b"")) for message in answer)
            if self.size + size > MAX_BYTES:
                return answer
            self.size += size
            kept = self.answers[common] = answer
        self.answers[key] = kept
        return kept


async def never() -> Message:
    """Whoever asks first may leave: the answer is for others, too."""
    return await asyncio.Future[Message]()


def accepted(header: str) -> bytes:
    """The compression for a client that says this of itself in Accept-Encoding."""
    named = {part.partition(";")[0].strip(): part for part in header.lower().split(",")}
    for one in COMPRESSIONS:
        if one in named and not re.search(r";\s*q=0(\.0*)?\s*$", named[one]):
            return one.encode()
    return b"identity"
