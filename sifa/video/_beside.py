"""Pictures made beside the decoding, in threads, where there are processors for it: reducing a large picture takes longer than
decoding it. Runs inside the decoding process."""

import os
import threading
from collections.abc import Callable

import numpy as np

Picture = tuple[np.ndarray, tuple[int, int]]  # (H, W, 3) uint8, and the height and width that it has unreduced
THREADS = min(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class Task(threading.Thread):
    """One call, in a thread or, by `run`, in this one."""

    def __init__(self, make: Callable[[], Picture]) -> None:
        super().__init__(daemon=True)
        self._make: Callable[[], Picture] | None = make
        self._made: Picture | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """The call."""
        assert self._make
        try:
            self._made = self._make()
        except BaseException as error:
            self._error = error
        self._make = None  # and with it the frame

    def result(self) -> Picture:
        """What it has made, once it is done. Raises what the call has raised."""
        if self.ident is not None:
            self.join()
        if self._error:
            raise self._error
        assert self._made
        return self._made


class Beside:
    """Calls that go on beside the thread that asks for them, a few at a time."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []

    def do(self, make: Callable[[], Picture], at_once: bool) -> None:
        """Make one more picture: now, where `at_once`, or beside what follows. Raises what an earlier one has raised."""
        task = Task(make)
        self._tasks.append(task)
        if at_once or THREADS < 2:
            task.run()
            task.result()
            return
        task.start()
        if len(self._tasks) > THREADS:
            self._tasks[-1 - THREADS].result()

    def results(self) -> list[Picture]:
        """All of them, in order. Raises what the first that failed has raised."""
        return [task.result() for task in self._tasks]
