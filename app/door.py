"""What passes the door: requests that the page can take now. ASGI middleware inside the framework, behind `guard.py`, which has
looked at all that can be said without knowing the page.

Every answer that has not been fetched takes memory, and every upload room on the disk; so both are counted here by address,
before anything is read.
"""

import asyncio
import errno
import json
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qs

from starlette.formparsers import MultiPartException

from sifa.errors import SifaError

from .asgi import Application, Message, Receive, Scope, Send, again, answer, drop, read
from .bodies import Unread
from .books import Books
from .disk import Disk, FullError
from .inputs import read_cancel, read_wish
from .routes import kind_of
from .visitors import LONGEST_SECONDS, Pace, Visitors

log = logging.getLogger(__name__)
PER_ADDRESS, IN_ALL = 48, 192  # answers that may be open; those who have none find room until twice as many
RATE, BURST = 5, 16  # requests of an address in a second, once it has made so many
OPENINGS = 32  # pages and uploads that an address gets at once, and then at the same rate: a class may come together
RETRY_SECONDS = 1
DRAIN_BYTES = 32 << 20  # of an upload that is refused
FULL = (errno.ENOSPC, errno.EDQUOT)


class Door:
    """Middleware that refuses what is too much, in a sentence, and knows who listens. The guard has said whose request it is."""

    def __init__(self, app: Application, books: Books, visitors: Visitors, disk: Disk) -> None:
        self.app, self.books, self.visitors, self.disk = app, books, visitors, disk
        self.entering: Counter[str] = Counter()  # requests of each address that are being read
        self.pace, self.openings = Pace(RATE, BURST), Pace(RATE, OPENINGS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        kind = kind_of(scope["method"], scope["path"])
        if kind in ("page", "config", "info", "upload") and not await self._may_open(scope["sifa.address"]):
            await busy(send, "Your address asks for more than the page can answer; try again in a moment.")
            return
        steps = {
            "join": self._join,
            "call": self._join,
            "cancel": self._cancel,
            "events": self._listen,
            "upload": self._upload,
        }
        await steps.get(kind, self.app)(scope, receive, send)

    async def _may_open(self, address: str) -> bool:
        """Wait until the address may have one more of what takes time to make; False where too many wait for that."""
        if self.openings.behind(address) > LONGEST_SECONDS:
            return False
        await asyncio.sleep(self.openings.delay(address))
        return True

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
            await busy(send, reason)
            return

        def rewrite(body: object) -> dict[str, object]:
            return read_wish(body, name, self.books.functions(), self.disk.folder)

        self.entering[address] += 1
        try:
            await asyncio.sleep(self.pace.delay(address))
            await self._pass(rewrite, scope, receive, send)
        finally:
            self.entering[address] -= 1
            self.entering = +self.entering

    async def _cancel(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._pass(read_cancel, scope, receive, send)

    async def _pass(
        self, rewrite: Callable[[object], dict[str, object]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """On to the framework with the body as `rewrite` gives it; the answer to a wish names the event."""
        try:
            wish = rewrite(json.loads(await read(receive)))
        except SifaError as error:
            await answer(send, 400, {"detail": str(error)})
            return
        except (ValueError, RecursionError):
            await answer(send, 400, {"detail": "The request is no JSON that can be read."})
            return
        body, said = json.dumps(wish).encode(), bytearray()
        described = (b"content-length", b"content-type")
        kept = [(name, value) for name, value in scope["headers"] if name.lower() not in described]
        kept += [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]

        async def send_and_read(message: Message) -> None:
            if message["type"] == "http.response.body":
                said.extend(message.get("body", b""))
                if "data" in wish:
                    self._note(bytes(said), wish, scope["sifa.address"])
            await send(message)

        await self.app({**scope, "headers": kept}, again(body, receive), send_and_read)

    def _note(self, said: bytes, wish: dict[str, object], address: str) -> None:
        try:
            event = json.loads(said).get("event_id")
        except (ValueError, AttributeError):
            return
        if isinstance(event, str):
            self.books.add(event, address, str(wish["session_hash"] or event))

    async def _listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        event = scope["path"].partition("/call/predict/")[2]
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_hash", [""])[0]
        if not self.books.knows(event or asked):
            await answer(send, 404, "There is no such job.\n")
            return
        with self.visitors.listen(self.books.session(event) if event else asked):
            await self.app(scope, receive, send)

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
            with suppress(MultiPartException):  # or whatever else may be wrong with it
                await drop(receive, DRAIN_BYTES)
            await answer(send, 507, str(error))
        except (Unread, MultiPartException):  # said by those who stand before this
            raise
        except Exception as error:  # what the framework does not explain, such as a connection that broke off
            log.info("an upload failed: %s", type(error).__name__)
            if not begun:
                full = isinstance(error, OSError) and error.errno in FULL
                reason = "the disk of the computer that runs this page is full" if full else "it did not arrive whole"
                await answer(send, 507 if full else 400, f"The file could not be stored: {reason}. Try again later.")


async def busy(send: Send, reason: str) -> None:
    """Refuse a request that may come again."""
    await asyncio.sleep(RETRY_SECONDS)  # so that who asks again and again costs little
    await answer(send, 503, {"detail": reason}, headers=[(b"retry-after", str(RETRY_SECONDS).encode())])
