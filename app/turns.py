"""A wish on its way through the queue: it waits for its turn, runs in a thread of its own, and stops when its visitor has left."""

import asyncio
import contextvars
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .jobs import BusyError, Jobs, Place, StoppedError, Ticket
from .operation import log_job

T = TypeVar("T")
LOOK_SECONDS = 1  # between two looks at one's place


@dataclass(frozen=True)
class Visit:
    """Who wishes for something: their address and session, and whether they listen."""

    address: str
    session: str
    here: Callable[[], bool | None]


class Pause:
    """What a running job calls between its steps: it raises StoppedError where it is to end, or the visitor has left."""

    def __init__(self, jobs: Jobs, ticket: Ticket, tell: Callable[[Any], None]) -> None:
        self._jobs, self._ticket = jobs, ticket
        self.tell = tell  # what there is of the answer so far: the last one told is yielded before the answer is

    def check(self) -> None:
        """Inside a unit of work."""
        self._jobs.check(self._ticket)

    def give_way(self) -> None:
        """Between two units: others go first."""
        self._jobs.give_way(self._ticket)


async def take_turn(
    jobs: Jobs, visit: Visit, kind: str, work: Callable[[Pause], T], long: bool = False, beside: bool = False
) -> AsyncIterator[Place | T]:
    """The job's place while it waits, again and again, what `work` tells, and then what it returns.

    Raises BusyError where too many wait, StoppedError where nobody waits for it any more, and whatever `work` raises.
    """
    began, ticket, answer = time.monotonic(), None, None
    outcome = "stopped"  # unless it comes to another end: whoever leaves closes this
    try:
        ticket = jobs.enter(visit.address, visit.session, visit.here, long, beside)
        turn = asyncio.wrap_future(ticket.turn)
        told = 0.0
        while not (await asyncio.wait([turn], timeout=LOOK_SECONDS))[0]:
            place = jobs.place(ticket)  # also where nobody listens, since it notes who has left
            if visit.here() and time.monotonic() - told >= place.ahead * LOOK_SECONDS:  # the farther, the more seldom
                told = time.monotonic()
                yield place
        turn.result()
        told_so_far = Told[T]()
        answer = asyncio.wrap_future(start(jobs, ticket, work, told_so_far))
        while (part := await told_so_far.next(answer)) is not None:
            yield part
        result = await answer
        outcome = "answered"
        yield result
    except StoppedError:
        raise
    except Exception as error:
        outcome = "busy" if isinstance(error, BusyError) else "failed"
        raise
    finally:
        if ticket and answer:
            ticket.stopped = "Nobody waits for this answer any more."  # where it still runs
            answer.cancel()
        elif ticket:
            jobs.leave(ticket)
        finished(kind, time.monotonic() - began, outcome)


class Told(Generic[T]):
    """What a thread tells of its answer, for a coroutine: the last of it, since each holds what was told before."""

    def __init__(self) -> None:
        self._loop, self._there, self._last = asyncio.get_running_loop(), asyncio.Event(), list[T]()

    def tell(self, part: T) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self._take, part)

    def _take(self, part: T) -> None:
        self._last = [part]
        self._there.set()

    async def next(self, answer: "asyncio.Future[T]") -> T | None:
        """The last part that was told since; None when there is none, and the answer is there."""
        waits: asyncio.Future[Any] = asyncio.ensure_future(self._there.wait())
        try:
            await asyncio.wait(list[asyncio.Future[Any]]([waits, answer]), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waits.cancel()
        self._there.clear()
        last, self._last = self._last, []
        return last[0] if last else None


def start(jobs: Jobs, ticket: Ticket, work: Callable[[Pause], T], told: Told[T]) -> "Future[T]":
    """Run the job in a thread, which leaves the queue when it is done, whoever still waits for it."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # nobody can take it back from now on
    context = contextvars.copy_context()  # Gradio finds the event there whose progress it shows

    def run() -> None:
        try:
            result = context.run(work, Pause(jobs, ticket, told.tell))
        except BaseException as error:
            jobs.leave(ticket)
            future.set_exception(error)
        else:
            jobs.leave(ticket)
            future.set_result(result)

    threading.Thread(target=run, name="job", daemon=True).start()
    return future


def finished(kind: str, seconds: float, outcome: str) -> None:
    """The one place where the end of every job passes: answered, failed, stopped or busy, after that many seconds."""
    log_job(kind, seconds, outcome)
