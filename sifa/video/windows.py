"""A video cut into windows that a model can see: overlapping, in order of time, and never across a cut.

Of a shot that is shorter than a window, the frames are taken closer together, if it has half of those that are needed.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sifa.video.clip import FITTED, Clip, is_enough, spread
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
        count, parts = len(self.samples), self.footage.parts
        present = -(-count // parts)  # at the usual step
        if present < self.num_frames:
            if not self.given:
                yield self._fitted(count, present)
            return
        starts = [*range(self.hop if self.given else 0, count - self.span + 1, self.hop)]
        begun = starts[-1] if starts else 0
        if count - begun - self.span >= self.hop // 4:
            starts.append(count - self.span)
        for start in starts:
            yield self._window(start, parts)
        self.given += len(starts)

    def _fitted(self, count: int, present: int) -> Window:
        """The only window of a shot that is shorter than one."""
        if not count or not is_enough(present, self.num_frames):
            return self._too_short(present)
        closer = spread(count, self.num_frames, present)
        if closer is not None:
            pace = max(1, round(self.footage.sampling_rate / self.footage.parts * (count - 1) / (self.num_frames - 1)))
            return self._made([self.samples[i] for i in closer.tolist()], pace, notes=(FITTED,))
        frames = self.samples[:: self.footage.parts]
        padded = self.num_frames - len(frames)
        return self._made(frames + frames[-1:] * padded, self.footage.sampling_rate, padded)

    def _window(self, start: int, step: int) -> Window:
        return self._made(self.samples[start : start + self.span : step], self.footage.sampling_rate)

    def _made(self, frames: list[Frame], pace: int, padded: int = 0, notes: tuple[str, ...] = ()) -> Window:
        """A window of these frames, `pace` source frames apart."""
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
            sampling_rate=pace,
            padded=padded,
            notes=(*footage.notes, *notes),
        )
        return Window(self.shot, float(times[0]), float(times[-1]) + self.gap, clip)

    def _too_short(self, count: int) -> Window:
        first = self.first.number if self.first else int(self.footage.numbers[0])
        start = self.footage.time(first)
        end = self.footage.time(self.samples[-1].number) + self.gap if self.samples else start + self.gap
        least = -(-self.num_frames // 2)
        why = f"This shot is too short: it has {count} of the {self.num_frames} frames that the model reads; {least} are needed."
        return Window(self.shot, start, end, None, why)
