"""A wish on its way through the queue: it waits for its turn, runs in a thread of its own, and stops when its visitor has left."""

import asyncio
import contextvars
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

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
    """What a running job calls between its steps: it raises StoppedError where the visitor has left."""

    def __init__(self, jobs: Jobs, ticket: Ticket) -> None:
        self._jobs, self._ticket = jobs, ticket

    def check(self) -> None:
        """Inside a unit of work."""
        self._jobs.check(self._ticket)

    def give_way(self) -> None:
        """Between two units: others go first."""
        self._jobs.give_way(self._ticket)


async def take_turn(
    jobs: Jobs, visit: Visit, kind: str, work: Callable[[Pause], T], long: bool = False
) -> AsyncIterator[Place | T]:
    """The job's place while it waits, again and again, and then what `work` returns.

    Raises BusyError where too many wait, StoppedError where nobody waits for it any more, and whatever `work` raises.
    """
    began, ticket, thread = time.monotonic(), None, False
    outcome = "stopped"  # unless it comes to another end: whoever leaves closes this
    try:
        ticket = jobs.enter(visit.address, visit.session, visit.here, long)
        turn = asyncio.wrap_future(ticket.turn)
        told = 0.0
        while not (await asyncio.wait([turn], timeout=LOOK_SECONDS))[0]:
            place = jobs.place(ticket)  # also where nobody listens, since it notes who has left
            if visit.here() and time.monotonic() - told >= place.ahead * LOOK_SECONDS:  # the farther, the more seldom
                told = time.monotonic()
                yield place
        turn.result()
        thread = True
        result = await asyncio.wrap_future(start(jobs, ticket, work))
        outcome = "answered"
        yield result
    except StoppedError:
        raise
    except Exception as error:
        outcome = "busy" if isinstance(error, BusyError) else "failed"
        raise
    finally:
        if ticket and not thread:
            jobs.leave(ticket)
        finished(kind, time.monotonic() - began, outcome)


def start(jobs: Jobs, ticket: Ticket, work: Callable[[Pause], T]) -> "Future[T]":
    """Run the job in a thread, which leaves the queue when it is done, whoever still waits for it."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # nobody can take it back from now on
    context = contextvars.copy_context()  # Gradio finds the event there whose progress it shows

    def run() -> None:
        try:
            result = context.run(work, Pause(jobs, ticket))
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
