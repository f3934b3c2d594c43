"""How fast a run is, and how long it waits for its clips."""

import time
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Lap(NamedTuple):
    """Of some steps together."""

    rate: float  # clips per second of the clock, of all processes
    waiting: float  # share of the time in which this process waited for clips

    def __str__(self) -> str:
        return f"{self.rate:.3g} clips/s, {self.waiting:.0%} of the time waiting for data"


class Pace:
    """The clock of a process's steps, since it began and since the last lap."""

    def __init__(self) -> None:
        self.began = self.lap_began = time.monotonic()
        self.clips = self.lap_clips = 0
        self.waited = self.lap_waited = 0.0

    def fetch(self, batches: Iterator[T]) -> T:
        """The next batch; the time that it takes is waited."""
        began = time.monotonic()
        batch = next(batches)
        self.waited += time.monotonic() - began
        return batch

    def enter(self, clips: int) -> None:
        """A step of so many clips is done."""
        self.clips += clips

    def whole(self) -> Lap:
        """Since the process began."""
        return _lap(self.clips, self.waited, time.monotonic() - self.began)

    def lap(self) -> Lap:
        """Since the last call; the next lap begins."""
        now = time.monotonic()
        lap = _lap(self.clips - self.lap_clips, self.waited - self.lap_waited, now - self.lap_began)
        self.lap_began, self.lap_clips, self.lap_waited = now, self.clips, self.waited
        return lap


def _lap(clips: int, waited: float, seconds: float) -> Lap:
    return Lap(clips / max(seconds, 1e-9), waited / max(seconds, 1e-9))
