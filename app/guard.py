"""What stands before the page: it answers by itself what the page must not see, and adds what browsers must know."""

import asyncio
import time
from pathlib import Path

from starlette.formparsers import MultiPartException

from . import operation, policy
from .asgi import Application, Message, Receive, Scope, Send, again, answer, read
from .bodies import Unread, one_file, paced
from .hosts import Hosts
from .kept import Kept
from .routes import Refusal, kind_of, refuse
from .visitors import LONGEST_SECONDS, Pace, address_of

UNTRUSTED = (b"origin", b"x-forwarded-host", b"x-gradio-server")  # the framework would answer by them
RATE, BURST = 250, 500  # requests of an address in a second, once it has made so many; opening the page takes about 90
REFUSED_SECONDS = 1  # until an address beyond its pace is told so, so that who asks again and again costs little
TIMES = {"file": 4, "app_id": 2}  # as many requests as one of these counts


class Guard:
    """ASGI middleware around the page, whose files lie in `folder`, and which is asked for under the names of `hosts`; the
    counters are for everybody with `metrics`. `proxies` is the number of trusted proxies before the page, each of which adds
    to X-Forwarded-For."""

    def __init__(self, app: Application, folder: Path, hosts: Hosts, metrics: bool = False, proxies: int = 0) -> None:
        self.app, self.folder, self.hosts, self.metrics, self.proxies = app, folder, hosts, metrics, proxies
        self.kept, self.pace = Kept(app), Pace(RATE, BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection; of those that are not HTTP only the server's own start and end go through."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        else:
            await Exchange(self, scope, receive, send).run()


class Exchange:
    """One request and its answer."""

    def __init__(self, guard: Guard, scope: Scope, receive: Receive, send: Send) -> None:
        self.guard, self.scope, self._receive, self._send = guard, scope, receive, send
        self.kind = kind_of(scope["method"], scope["path"])
        self.status, self.received, self.sent, self.whole = 0, 0, 0, scope["method"] != "POST"

    async def run(self) -> None:
        """Answer, and note it."""
        start = time.monotonic()
        try:
            await self._answer()
        except Unread as error:
            await self._refuse(Refusal(error.status, error.reason))
        except MultiPartException as error:
            await self._refuse(Refusal(400, error.message))
        finally:
            operation.log_request(
                self.kind or "closed", time.monotonic() - start, self.status, self.received, self.sent
            )

    async def _answer(self) -> None:
        scope, guard = self.scope, self.guard
        scope["sifa.address"] = address_of(scope, guard.proxies)
        whose = f"{scope['sifa.address']} {'health' if self.kind == 'health' else ''}"  # which a flood must not hide
        if guard.pace.behind(whose) > LONGEST_SECONDS:
            await asyncio.sleep(REFUSED_SECONDS)
            await self._refuse(Refusal(503, "Your address asks for more than the page can answer; try again later."))
            return
        if (wait := guard.pace.delay(whose, TIMES.get(self.kind, 1))) > 0:
            await asyncio.sleep(wait)
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        query = scope.get("query_string", b"").decode("latin-1")
        refusal = refuse(scope["method"], scope["path"], query, headers, guard.hosts, guard.folder)
        if self.kind == "metrics" and not guard.metrics:
            refusal = refusal or Refusal(404, "The counters are off; start the page with --metrics.")
        if refusal is not None:
            await self._refuse(refusal)
        elif self.kind == "health":
            await answer(self.send, 200, operation.health())
        elif self.kind == "metrics":
            await answer(self.send, 200, operation.metrics(), "text/plain; version=0.0.4; charset=utf-8")
        else:
            kept = [(name, value) for name, value in scope["headers"] if name.lower() not in UNTRUSTED]
            await self._pass_on({**scope, "headers": kept}, dict(headers))

    async def _pass_on(self, scope: Scope, headers: dict[str, str]) -> None:
        """To the page, with the body that it may see."""
        app, receive = self.guard.app, self.receive
        if self.kind == "upload":
            await app(scope, one_file(paced(receive), headers.get("content-type", "")), self.send)
        elif scope["method"] == "POST":
            await app(scope, again(await read(paced(receive)), receive), self.send)
        elif self.kind in ("asset", "icon"):
            await self.guard.kept(scope, receive, self.send)
        else:
            await app(scope, receive, self.send)

    async def receive(self) -> Message:
        """The next part of the body, counted."""
        message = await self._receive()
        self.received += len(message.get("body", b""))
        self.whole = self.whole or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """The next part of the answer, counted, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = policy.with_headers(message.get("headers", []), self.kind)
            if not self.whole:
                headers.append((b"connection", b"close"))  # the rest of the body is not read
            message = {**message, "headers": headers}
        else:
            self.sent += len(message.get("body", b""))
        await self._send(message)

    async def _refuse(self, refusal: Refusal) -> None:
        if not self.status:  # nothing was said yet
            await answer(self.send, refusal.status, f"{refusal.reason}\n")
