"""The words of ASGI, in which the web server, what stands before the page, and the page's framework speak to one another."""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
TEXT, JSON = "text/plain; charset=utf-8", "application/json"


async def read(receive: Receive) -> bytes:
    """The whole body, whose length must be limited before; as much of it as there is where the connection breaks."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


async def drop(receive: Receive, limit: int) -> None:
    """Read the body up to about `limit` bytes, and keep nothing of it: browsers read no answer before they have sent all."""
    count, more = 0, True
    while more and count <= limit:
        message = await receive()
        count += len(message.get("body", b""))
        more = message.get("more_body", False)


def again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body once more, and then what comes after it."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


async def answer(
    send: Send, status: int, said: object, kind: str = "", headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """A short answer: a text, or JSON where it is none; `kind` is its type, where that is another than these have."""
    text, usual = (said, TEXT) if isinstance(said, str) else (json.dumps(said), JSON)
    body = text.encode()
    sent = [(b"content-type", (kind or usual).encode()), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})
