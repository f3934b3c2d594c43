"""What passes the door: requests that the page can take now. ASGI middleware, behind that of `routes.py`.

Every answer that has not been fetched takes memory, and every upload room on the disk; so both are counted here by address,
before anything is read.
"""

import asyncio
import errno
import json
import logging
import re
from collections import Counter
from urllib.parse import parse_qs

from sifa.errors import SifaError

from .books import Books
from .disk import Disk, FullError
from .inputs import read_wish
from .routes import UPLOAD, Application, Message, Receive, Scope, Send
from .visitors import Pace, Visitors, address_of

log = logging.getLogger(__name__)
JOIN = re.compile(r"/gradio_api/(queue/join|call/\w+)")
LISTEN = re.compile(r"/gradio_api/(?:queue/data|call/\w+/(?P<event>[\w-]+))")
PER_ADDRESS, IN_ALL = 48, 192  # answers that may be open; those who have none find room until twice as many
RATE, BURST = 5, 16  # requests of an address in a second, once it has made so many
RETRY_SECONDS = 1
DRAIN_BYTES = 32 << 20  # of an upload that is refused
FULL = (errno.ENOSPC, errno.EDQUOT)


class Door:
    """Middleware that refuses what is too much, in a sentence, and knows who listens.

    `proxies` is the number of trusted proxies before the page, each of which adds to X-Forwarded-For.
    """

    def __init__(self, app: Application, books: Books, visitors: Visitors, disk: Disk, proxies: int = 0) -> None:
        self.app, self.books, self.visitors, self.disk, self.proxies = app, books, visitors, disk, proxies
        self.entering: Counter[str] = Counter()  # requests of each address that are being read
        self.pace = Pace(RATE, BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        scope["sifa.address"] = address_of(scope, self.proxies)
        if method == "POST" and JOIN.fullmatch(path):
            await self._join(scope, receive, send)
        elif method == "POST" and path == UPLOAD:
            await self._upload(scope, receive, send)
        elif method == "GET" and (listens := LISTEN.fullmatch(path)):
            asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_hash", [""])[0]
            session = self.books.session(listens["event"]) if listens["event"] else asked
            with self.visitors.listen(session):
                await self.app(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def refusal(self, address: str) -> str | None:
        """Why no further wish of this address is taken, or None."""
        owners = Counter(self.books.open()) + self.entering
        mine, total = owners[address], owners.total()
        if mine >= PER_ADDRESS:
            return (
                f"{mine} requests from your address are not answered yet; the page takes {PER_ADDRESS} of them at once."
            )
        if total >= IN_ALL and (mine or total >= 2 * IN_ALL):
            return f"The page is busy: {total} requests are not answered yet, and it takes {IN_ALL} at once."
        return None

    async def _join(self, scope: Scope, receive: Receive, send: Send) -> None:
        address, name = scope["sifa.address"], scope["path"].partition("/call/")[2] or None
        if reason := self.refusal(address):
            await asyncio.sleep(RETRY_SECONDS)  # so that who asks again and again costs little
            await answer(send, 503, {"detail": reason}, [(b"retry-after", str(RETRY_SECONDS).encode())])
            return
        self.entering[address] += 1
        try:
            await asyncio.sleep(self.pace.delay(address))
            wish = read_wish(json.loads(await read(receive)), name, self.books.functions(), self.disk.folder)
            await self._pass(wish, scope, receive, send)
        except SifaError as error:
            await answer(send, 400, {"detail": str(error)})
        except (ValueError, RecursionError):
            await answer(send, 400, {"detail": "The request is no JSON that can be read."})
        finally:
            self.entering[address] -= 1
            self.entering = +self.entering

    async def _pass(self, wish: dict[str, object], scope: Scope, receive: Receive, send: Send) -> None:
        """On to the framework, whose answer names the event."""
        body = json.dumps(wish).encode()
        kept = [
            (name, value)
            for name, value in scope["headers"]
            if name.lower() not in (b"content-length", b"content-type")
        ]
        kept += [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
        unread, said = [{"type": "http.request", "body": body, "more_body": False}], bytearray()

        async def receive_again() -> Message:
            return unread.pop() if unread else await receive()

        async def send_and_read(message: Message) -> None:
            if message["type"] == "http.response.body":
                said.extend(message.get("body", b""))
                self._note(bytes(said), wish, scope["sifa.address"])
            await send(message)

        await self.app({**scope, "headers": kept}, receive_again, send_and_read)

    def _note(self, said: bytes, wish: dict[str, object], address: str) -> None:
        try:
            event = json.loads(said).get("event_id")
        except (ValueError, AttributeError):
            return
        if isinstance(event, str):
            self.books.add(event, address, str(wish["session_hash"] or event))

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, begun = {name.lower(): value for name, value in scope["headers"]}, False
        length = headers.get(b"content-length", b"0")

        async def send_once(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            with self.disk.upload(scope["sifa.address"], int(length) if length.isdigit() else 0):
                await self.app(scope, receive, send_once)
        except FullError as error:
            await read(receive, DRAIN_BYTES)  # browsers read no answer before they have sent all
            await answer(send, 507, str(error))
        except Exception as error:  # what the framework does not explain, such as a connection that broke off
            log.info("an upload failed: %s", type(error).__name__)
            if not begun:
                full = isinstance(error, OSError) and error.errno in FULL
                reason = "the disk of the computer that runs this page is full" if full else "it did not arrive whole"
                await answer(send, 507 if full else 400, f"The file could not be stored: {reason}. Try again later.")


async def read(receive: Receive, limit: int | None = None) -> bytes:
    """The whole body, whose length is limited before; as much of it as there is where the connection breaks. With a limit as
    much as that, and nothing of it is kept."""
    body, count = bytearray(), 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        count += len(part)
        if limit is None:
            body.extend(part)
        if message["type"] != "http.request" or not message.get("more_body") or (limit and count > limit):
            return bytes(body)


async def answer(send: Send, status: int, said: object, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    """A short answer: a sentence, or JSON where it is an object."""
    text, kind = (
        (said, b"text/plain; charset=utf-8") if isinstance(said, str) else (json.dumps(said), b"application/json")
    )
    body = text.encode()
    sent = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": body})
