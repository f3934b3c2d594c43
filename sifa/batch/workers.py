"""The rows of many clips by processes of this machine, any of which may be killed."""

import multiprocessing
import os
import signal
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait

import torch

from sifa.batch.row import ListedClip, Row, Settings, failed_row, row_of
from sifa.errors import RunError
from sifa.evaluation.memory import keep_freed_memory

DEATHS = 2  # of workers, after which their clip is given up
MOST_DEATHS = 6  # one after another, without a row between them: then it is the machine, not the clip


def local_rows(clips: Sequence[ListedClip], settings: Settings, workers: int) -> Iterator[Row]:
    """The rows in the order in which they are done, by so many processes of `settings.threads` threads each.

    Where a worker is killed, another one begins in its place and gets its clip; a clip that kills two becomes a row that says
    so. Raises RunError where workers end one after another, and whatever `row_of` raises.
    """
    pool = _Pool(settings, min(workers, len(clips)))
    try:
        yield from pool.rows(deque(clips))
    finally:
        pool.close()


class _Worker:
    """A process, and the clip that it works on; None where it waits, or still begins."""

    def __init__(self, settings: Settings) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, settings), daemon=True, name="sifa batch")
        self.process.start()
        theirs.close()  # so that the pipe ends when the worker does
        self.clip: ListedClip | None = None

    def take(self, waiting: deque[ListedClip]) -> None:
        """Give it the next clip, if there is one; where it has ended meanwhile, which its pipe will tell, the clip stays."""
        self.clip = None
        if waiting:
            with suppress(OSError):
                self.pipe.send(waiting[0])
                self.clip = waiting.popleft()

    def end(self) -> str:
        """Stop it, and say how it ended."""
        self.pipe.close()
        if self.process.is_alive():
            self.process.join(1)
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        code = self.process.exitcode or 0
        return f"signal {-code}, {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def _work(pipe: Connection, settings: Settings) -> None:
    """A worker's life: rows for clips, until there are no more. What it cannot go on after, it sends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the command, which ends its workers
    torch.set_num_threads(settings.threads)
    keep_freed_memory()
    with suppress(EOFError, OSError):
        pipe.send(None)  # it has begun
        while True:
            clip = pipe.recv()
            try:
                answer: Row | Exception = row_of(clip, settings)
            except Exception as error:
                answer = error
            pipe.send(answer)


class _Pool:
    """Workers, each with a pipe of its own, so that one that is killed disturbs no other."""

    def __init__(self, settings: Settings, count: int) -> None:
        self.settings = settings
        self.workers = [_Worker(settings) for _ in range(count)]
        self.deaths: Counter[int] = Counter()  # number of a clip -> of workers that had it
        self.in_a_row = 0

    def rows(self, waiting: deque[ListedClip]) -> Iterator[Row]:
        """The rows of all clips."""
        left = len(waiting)
        while left:
            for pipe in wait([worker.pipe for worker in self.workers]):
                worker = next(one for one in self.workers if one.pipe is pipe)
                try:
                    answer = worker.pipe.recv()
                except (EOFError, OSError):
                    answer = self._replace(worker, waiting)
                else:
                    worker.take(waiting)
                    self.in_a_row = 0 if isinstance(answer, dict) else self.in_a_row
                if isinstance(answer, Exception):
                    raise answer
                if answer is not None:
                    left -= 1
                    yield answer

    def _replace(self, worker: _Worker, waiting: deque[ListedClip]) -> Row | None:
        """Another worker in the place of one that has ended; the row of its clip, where that is given up."""
        clip, how = worker.clip, worker.end()
        self.in_a_row += 1
        if self.in_a_row > MOST_DEATHS + len(self.workers):
            raise RunError(
                f"{self.in_a_row} workers ended one after another, the last with {how}; where memory is short, give fewer "
                "--workers. What is done is kept, and the same command goes on with it"
            )
        self.workers[self.workers.index(worker)] = _Worker(self.settings)
        if clip is None:
            return None
        self.deaths[clip.number] += 1
        if self.deaths[clip.number] < DEATHS:
            waiting.appendleft(clip)
            return None
        return failed_row(clip, f"{DEATHS} workers ended while they worked on this clip, the last with {how}")

    def close(self) -> None:
        """End the workers, whatever they do."""
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            worker.end()


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_threads(workers: int) -> int:
    """The threads of each of so many workers."""
    return max(1, cores() // workers)
