"""A video cut into windows that a model can see: overlapping, in order of time, and never across a cut.

A shot that is shorter than a window is sampled more densely, as far as its frames suffice.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sifa.video.clip import Clip
from sifa.video.cuts import LONGEST as LONGEST_DISSOLVE
from sifa.video.cuts import NEIGHBOURS, Cut, find_cut
from sifa.video.stream import Footage, Frame

BEYOND = 0.25  # seconds before and after a window that are looked at, to see cuts near its ends
LEAST = 3  # frames in which a cut is looked for


@dataclass(frozen=True)
class Window:
    """A piece of one shot."""

    shot: int  # from 0
    start: float  # seconds
    end: float  # when its last frame ends
    clip: Clip | None  # None: the shot has too few frames
    withheld: str = ""  # then why, as a sentence


class Frames(Protocol):
    """A stream of a video's frames (`sifa.video.stream.Stream`)."""

    footage: Footage

    def __iter__(self) -> Iterator[Frame]: ...


class Windows:
    """`for each in Windows(stream, num_frames)` gives windows, and cuts as they are found, the earliest first.

    Windows overlap by half; the last one of a shot ends with it.
    """

    def __init__(self, stream: Frames, num_frames: int) -> None:
        self.stream, self.footage, self.num_frames = stream, stream.footage, num_frames
        footage, parts = self.footage, self.footage.parts
        self.repeats = dict(zip(*(each.tolist() for each in np.unique(footage.numbers, return_counts=True))))
        self.span, self.hop = (num_frames - 1) * parts + 1, max(1, num_frames // 2) * parts  # samples
        rate = footage.fps or 30.0
        self.beyond = max(NEIGHBOURS, math.ceil(BEYOND * rate))  # frames
        self.half = math.ceil(LONGEST_DISSOLVE / 2 * rate)
        self.gap = 1 / rate
        self._begin(0)

    def _begin(self, shot: int) -> None:
        self.shot, self.at, self.given = shot, 0, 0
        self.frames, self.samples = list[Frame](), list[Frame]()
        self.first: Frame | None = None

    def __iter__(self) -> Iterator[Window | Cut]:
        for frame in self.stream:
            self._add(frame)
            yield from self._ready()
        while (cut := self._cut()) is not None:
            yield from self._split(cut)
        yield from self._close()

    def _add(self, frame: Frame) -> None:
        self.first = self.first or frame
        self.frames.append(frame)
        if frame.picture is not None:
            self.samples += [frame] * self.repeats[frame.number]

    def _ready(self) -> Iterator[Window | Cut]:
        """The next window, once it and what lies beyond it are there, or the cut in it."""
        while self._is_ready():
            cut = self._cut()
            if cut is not None:
                yield from self._split(cut)
            else:
                yield self._window(self.at, self.footage.parts)
                self._go_on()

    def _is_ready(self) -> bool:
        last = self.at + self.span - 1
        return last < len(self.samples) and self.frames[-1].number >= self.samples[last].number + self.beyond

    def _go_on(self) -> None:
        """To the next window; what none of the next ones needs is let go of."""
        here = self.samples[self.at].number
        self.samples = self.samples[self.at :]
        self.at, self.given = self.hop, self.given + 1
        following = self.samples[min(self.at, len(self.samples) - 1)].number
        keep = next(i for i, frame in enumerate(self.frames) if frame.number >= max(here, following - self.beyond))
        self.frames = self.frames[keep:]

    def _cut(self) -> Cut | None:
        """The first cut among the frames that are there."""
        times = np.array([self.footage.time(frame.number) for frame in self.frames])
        greys = np.array([frame.grey for frame in self.frames])
        found, end = None, len(greys)
        while end >= LEAST and (cut := find_cut(greys[:end], times[:end])) is not None:
            found, end = cut, cut[0] - (self.half if cut[1] == "dissolve" else 0)
        return found and Cut(self.frames[found[0]].number, float(times[found[0]]), found[1])

    def _split(self, cut: Cut) -> Iterator[Window | Cut]:
        """The rest of the windows before a cut, and the cut; what lies behind it is the next shot."""
        aside = self.half if cut.kind == "dissolve" else 0
        rest = [frame for frame in self.frames if frame.number >= cut.frame + aside]
        self.samples = [frame for frame in self.samples if frame.number < cut.frame - aside]
        yield from self._close()
        yield cut
        self._begin(self.shot + 1)
        for frame in rest:
            self._add(frame)

    def _close(self) -> Iterator[Window]:
        """The windows that a shot has left when it ends."""
        count = len(self.samples)
        step = min(self.footage.parts, (count - 1) // (self.num_frames - 1)) if self.num_frames > 1 else 1
        if self.given and count <= self.span:
            return
        if step < 1 or (not self.given and not count):
            yield self._too_short(count)
            return
        span, hop = (self.num_frames - 1) * step + 1, max(1, self.num_frames // 2) * step
        starts = [*range(hop if self.given else 0, count - span + 1, hop)]
        if not starts or starts[-1] + span < count:
            starts.append(count - span)
        for start in starts:
            yield self._window(start, step)
        self.given += len(starts)

    def _window(self, start: int, step: int) -> Window:
        frames = self.samples[start : start + (self.num_frames - 1) * step + 1 : step]
        footage = self.footage
        times = np.array([footage.time(frame.number) for frame in frames])
        clip = Clip(
            frames=np.stack([frame.picture for frame in frames if frame.picture is not None]),
            times=times,
            indices=np.array([frame.number for frame in frames], np.int64),
            path=footage.path,
            fps=footage.fps,
            source_frames=footage.source_frames,
            source_size=footage.source_size,
            sampling_rate=max(1, footage.sampling_rate * step // footage.parts),
            notes=footage.notes,
        )
        return Window(self.shot, float(times[0]), float(times[-1]) + self.gap, clip)

    def _too_short(self, count: int) -> Window:
        first = self.first.number if self.first else int(self.footage.numbers[0])
        start = self.footage.time(first)
        end = self.footage.time(self.samples[-1].number) + self.gap if self.samples else start + self.gap
        why = f"This shot has {count} frames that are not cut, and the model needs {self.num_frames}."
        return Window(self.shot, start, end, None, why)

