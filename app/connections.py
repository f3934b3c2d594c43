"""How long a connection may take, and how many may be open at once: uvicorn's own protocol, with limits."""

import asyncio
import socket
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from .visitors import Pace, network_of

BUSY = b"Too many connections are open; try again in a moment.\n"
BUSY_ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
)


@dataclass(frozen=True)
class Limits:
    """Seconds that a client may take, and numbers of connections; `of_one` address is without a limit where it is 0."""

    head: float = 15  # from a connection or the end of the last answer to the whole head of the next request
    answer: float = 60  # while nothing of an answer is taken
    idle: float = 0.5  # awaiting a request, after which a connection may be ended where there is no room for new ones
    connections: int = 500
    of_one: int = 200  # a browser opens six, and a class of thirty may share one address
    rate: float = 200  # of one address opened in a second, once it has opened `burst`, where there is a limit for one
    burst: int = 500


class Connection(H11Protocol):
    """One connection, which is closed where it passes the limits. How slowly a body may come is not looked at here."""

    limits, pace = Limits(), Pace(Limits.rate, Limits.burst)
    patience: asyncio.TimerHandle | None = None  # while a head is awaited
    stalled: asyncio.TimerHandle | None = None  # while an answer is not taken
    place: str = ""

    def connection_made(self, transport: Any) -> None:
        """Close it at once where too many are open."""
        super().connection_made(transport)
        with suppress(OSError):  # of a connection that is broken already
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio may not
        self.place = network_of(self.client[0]) if self.client else ""
        if self._is_too_much():
            transport.write(BUSY_ANSWER % (len(BUSY), BUSY))
            transport.close()
            return
        self._expect_head()
        if self.limits.of_one and (wait := self.pace.delay(self.place)) > 0:  # it is read later
            transport.pause_reading()
            self.loop.call_later(wait, transport.resume_reading)

    def _is_too_much(self) -> bool:
        others = [other for other in self.connections if isinstance(other, Connection)]
        held = Counter(other.place for other in others)
        if self.limits.of_one and held[self.place] > self.limits.of_one:
            return True
        if len(others) <= self.limits.connections:
            return False
        idle = {other: seconds for other in others if (seconds := other._idle_seconds()) > self.limits.idle}
        if idle:  # who holds most makes room, and who has waited longest
            max(idle, key=lambda other: (held[other.place], idle[other])).transport.abort()
        return not idle

    def _idle_seconds(self) -> float:
        """Since when a request is awaited; 0 where none is."""
        if self.patience is None or self.patience.cancelled() or self.transport.is_closing():
            return 0.0
        return self.limits.head - (self.patience.when() - self.loop.time())

    def data_received(self, data: bytes) -> None:
        """Once a request is whole but for its body, its head is awaited no longer."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            cancel(self.patience)

    def on_response_complete(self) -> None:
        """From here on the next request is awaited, unless it is here already."""
        before = self.cycle
        super().on_response_complete()
        if self.cycle is before:
            self._expect_head()

    def _expect_head(self) -> None:
        cancel(self.patience)
        self.patience = self.loop.call_later(self.limits.head, self.transport.abort)

    def pause_writing(self) -> None:
        """The client takes its answer more slowly than it is made."""
        super().pause_writing()
        cancel(self.stalled)
        self.stalled = self.loop.call_later(self.limits.answer, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken what was made so far."""
        super().resume_writing()
        cancel(self.stalled)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited from here on."""
        cancel(self.patience)
        cancel(self.stalled)
        super().connection_lost(exc)


def limited(limits: Limits) -> type[Connection]:
    """The protocol with these limits, as a class for uvicorn."""
    return type("Connection", (Connection,), {"limits": limits, "pace": Pace(limits.rate, limits.burst)})


def cancel(timer: asyncio.TimerHandle | None) -> None:
    """Stop a timer, if there is one."""
    if timer is not None:
        timer.cancel()
