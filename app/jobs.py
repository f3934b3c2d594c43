"""Whose turn it is to run the model: jobs wait by address and session, and long ones give way between their steps.

A job is one unit of work, such as one clip's forward pass, and has a `Ticket`. Turns go round the addresses, and within an
address round its sessions. A session has one waiting and one running job; a newer wish takes the place of its waiting one.
Beside them it may have one job that looks through a whole video: between its units the session's clips go first.
Nothing here knows the web: the tests run it as it is.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple

from sifa.errors import RunError

NEWER = "Your newer wish took the place of this one."


class BusyError(RunError):
    """Too many jobs wait already."""


class StoppedError(RunError):
    """A job that nobody waits for any more: its visitor has left, or wished for something else."""


class Place(NamedTuple):
    """Where a waiting job stands."""

    ahead: int  # turns before its own, those now taken among them
    seconds: float | None  # until its turn, from the mean of earlier ones; None before the first
    replaces: bool = False  # an earlier wish of the same visitor, which waited


@dataclass(eq=False)
class Ticket:
    """A job: whose it is, and whether its turn has come. `here` says whether its visitor listens: None where they have not
    begun to, False where they have left."""

    address: str
    session: str
    here: Callable[[], bool | None]
    long: bool = False  # many units, between which others go first
    beside: bool = False  # between which clips of the same session go first, too
    stopped: str = ""  # why it is to end though its visitor is there, as a sentence
    replaces: bool = False  # an earlier wish of the session, which waited
    started: bool = False
    since: float = 0  # when its turn began
    turn: "Future[None]" = field(default_factory=Future)

    @property
    def owner(self) -> tuple[str, str]:
        return self.address, self.session

    @property
    def kind(self) -> tuple[str, str, bool]:
        """Of which a session has one waiting and one running job."""
        return self.address, self.session, self.beside


class Jobs:
    """The waiting and the running jobs. All methods may be called from any thread.

    `lanes` jobs run at once. A turn that lasts longer than `patience` seconds lets others run beside it, and its address
    gets no other one meanwhile. Of long jobs, one of an address and `long_jobs` in all are under way.
    """

    def __init__(
        self,
        lanes: int = 1,
        per_address: int = 64,
        in_all: int = 512,
        long_jobs: int = 4,
        patience: float = 5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lanes, self.per_address, self.in_all = lanes, per_address, in_all
        self.long_jobs, self.patience, self._clock = long_jobs, patience, clock
        self._lock = threading.RLock()
        self._waiting: dict[str, list[Ticket]] = {}  # of each address, the next one first
        self._running: list[Ticket] = []
        self._served: dict[str, int] = {}  # the number of each address's last turn
        self._count = 0  # of turns
        self._times: deque[float] = deque(maxlen=32)  # of the last turns, in seconds
        self._looked = 0.0  # when those who have left were struck out
        self._order: list[Ticket] | None = None  # of the waiting, as they will be served; None where that has changed

    def enter(
        self, address: str, session: str, here: Callable[[], bool | None], long: bool = False, beside: bool = False
    ) -> Ticket:
        """A job that waits for its turn, which is when `ticket.turn` is done. Raises BusyError where too many wait."""
        with self._lock:
            ticket = Ticket(address, session, here, long, beside)
            if beside:
                self.stop(address, session, NEWER)
            for earlier in [each for each in self._fresh(address) if each.kind == ticket.kind]:
                self._end(earlier, NEWER)
                ticket.replaces = True
            self._check_room(address)
            self._wait(ticket)
            return ticket

    def stop(self, address: str, session: str, reason: str) -> None:
        """End the session's job beside its clips, if there is one: at once where it waits, else at its next step."""
        with self._lock:
            at_work = [*self._running, *self._waiting.get(address, ())]
            for ticket in [each for each in at_work if each.kind == (address, session, True)]:
                ticket.stopped = reason
                if ticket not in self._running:
                    self._end(ticket, reason)

    def look(self) -> None:
        """Look again whose turn it is: somebody has begun to listen."""
        with self._lock:
            self._go_on()

    def place(self, ticket: Ticket) -> Place:
        """Where a waiting job stands now."""
        with self._lock:
            self._go_on()
            if self._order is None:
                self._order = list(self._expected())
            before = self._order.index(ticket) if ticket in self._order else 0
            mean = sum(self._times) / len(self._times) if self._times else None
            if mean is None:
                return Place(before + len(self._running), None, ticket.replaces)
            now = self._clock()
            rest = sum(max(0.0, mean - (now - each.since)) for each in self._running)
            return Place(before + len(self._running), (before * mean + rest) / self.lanes, ticket.replaces)

    def counts(self) -> tuple[int, int]:
        """How many jobs wait, and how many run."""
        with self._lock:
            self._go_on()  # which strikes out who has left
            return sum(map(len, self._waiting.values())), len(self._running)

    def check(self, ticket: Ticket) -> None:
        """Raises StoppedError where a running job is to end, or its visitor has left."""
        if ticket.stopped:
            raise StoppedError(ticket.stopped)
        if ticket.here() is False:
            raise StoppedError("Nobody waits for this answer any more.")

    def give_way(self, ticket: Ticket) -> None:
        """Between two units of a running job: wait here while others go first. Raises StoppedError where its visitor left."""
        self.check(ticket)
        with self._lock:
            if ticket in self._running:
                self._finish(ticket)
                ticket.turn = Future()
                self._wait(ticket)
        while True:
            try:
                return ticket.turn.result(timeout=1)
            except TimeoutError:
                self.place(ticket)  # which notes who has left, and turns that last too long

    def leave(self, ticket: Ticket) -> None:
        """The job is over, whatever its state."""
        with self._lock:
            if ticket in self._running:
                self._finish(ticket)
            elif ticket in self._waiting.get(ticket.address, ()):
                self._take(ticket)
                ticket.turn.cancel()
            self._go_on()

    def _fresh(self, address: str) -> list[Ticket]:
        """The jobs of an address that have not had a turn yet."""
        return [each for each in self._waiting.get(address, ()) if not each.started]

    def _check_room(self, address: str) -> None:
        """Raises BusyError where all places are taken."""
        mine, total = len(self._fresh(address)), sum(len(self._fresh(each)) for each in self._waiting)
        if mine >= self.per_address:
            raise BusyError(
                f"{mine} clips from your address are waiting already, and no more than {self.per_address} may. "
                "Try again when some of them are done."
            )
        if total >= self.in_all:
            raise BusyError(f"{total} clips are waiting already, and no more may. Try again in a minute.")

    def _go_on(self) -> None:
        """Give the free lanes to those whose turn it is, and now and then strike out those who have left."""
        now = self._clock()
        if now - self._looked >= 0.25:
            self._looked = now
            for ticket in [each for listed in self._waiting.values() for each in listed if each.here() is False]:
                self._end(ticket, "Nobody waits for this answer any more.")
        slow = {each.address for each in self._running if now - each.since > self.patience}
        while len(self._running) < 3 * self.lanes:
            if sum(each.address not in slow for each in self._running) >= self.lanes:
                return
            chosen = next((each for each in self._next() if each.address not in slow), None)
            if chosen is None:
                return
            self._begin(chosen)

    def _begin(self, ticket: Ticket) -> None:
        """Its turn is now."""
        self._take(ticket)
        ticket.started, ticket.since = True, self._clock()
        self._running.append(ticket)
        self._count += 1
        self._served[ticket.address] = self._count
        self._forget_addresses()
        ticket.turn.set_result(None)

    def _next(self) -> Iterator[Ticket]:
        """Of each address, the one least lately served first, the job whose turn it would be."""
        at_work = [*self._running, *(each for listed in self._waiting.values() for each in listed if each.started)]
        kinds, busy = {each.kind for each in at_work}, {each.owner for each in self._running}
        long = Counter(each.address for each in at_work if each.long)
        for address in sorted(self._waiting, key=lambda each: self._served.get(each, 0)):
            for ticket in self._waiting[address]:
                too_long = ticket.long and (long[address] or long.total() >= self.long_jobs)
                free = ticket.started or not (too_long or ticket.kind in kinds)
                if ticket.here() and free and ticket.owner not in busy:
                    yield ticket
                    break

    def _expected(self) -> Iterator[Ticket]:
        """The waiting jobs in the order of their turns, if nobody comes or goes."""
        listed, served = {a: list(each) for a, each in self._waiting.items()}, dict(self._served)
        for turn in range(sum(map(len, listed.values()))):
            address = min((a for a in listed if listed[a]), key=lambda each: served.get(each, 0))
            served[address] = self._count + 1 + turn
            yield listed[address].pop(0)

    def _wait(self, ticket: Ticket) -> None:
        """To the waiting ones."""
        self._order = None
        self._waiting.setdefault(ticket.address, []).append(ticket)
        self._go_on()

    def _take(self, ticket: Ticket) -> None:
        """Out of the waiting ones."""
        self._order = None
        listed = self._waiting[ticket.address]
        listed.remove(ticket)
        if not listed:
            del self._waiting[ticket.address]

    def _end(self, ticket: Ticket, reason: str) -> None:
        self._take(ticket)
        ticket.turn.set_exception(StoppedError(reason))

    def _finish(self, ticket: Ticket) -> None:
        """Out of the running ones."""
        self._running.remove(ticket)
        self._times.append(self._clock() - ticket.since)

    def _forget_addresses(self) -> None:
        """Those that were served least lately, where there are many."""
        while len(self._served) > 1000:
            del self._served[min(self._served, key=lambda each: self._served[each])]
