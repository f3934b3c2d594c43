"""Where a video moves most: the piece of it, and the square of its picture, that are shown first.

Found on grey pictures of 16 x 16 cells, by how much they change from one to the next: the median of a piece, so that a flash or a
torn picture does not count. Nothing is compensated for: a moving camera counts as a moving thing does, and so would a flicker.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sifa.video.cuts import Cut
from sifa.video.stream import Frame, Stream, stream_seconds
from sifa.video.windows import Windows

AROUND = 0.2  # seconds around a cut that belong to it
CLEARLY = 1.25  # times as much motion as the middle square, before another one is taken
PLACES = 9  # squares along the longer side
STILL = 0.5  # mean change of a cell from one picture to the next, 0..255, below which nothing is said to move


@dataclass(frozen=True)
class Liveliest:
    """A piece of a video and a square of its picture."""

    start: float  # seconds
    end: float
    top: int  # of the square, in source pixels
    left: int
    side: int  # the shorter side of the picture
    motion: float  # mean change of a cell in the square from one picture to the next, 0..255
    reason: str  # why these, as a sentence


class Kept:
    """A stream whose grey pictures are kept as they pass."""

    def __init__(self, stream: Stream) -> None:
        self.footage, self._stream = stream.footage, stream
        self._greys, self._numbers = list[np.ndarray](), list[int]()

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._stream:
            self._greys.append(frame.grey)
            self._numbers.append(frame.number)
            yield frame

    def liveliest(self, cuts: Sequence[float], num_frames: int, step: float | None) -> Liveliest | None:
        """`liveliest` of what has passed, for clips of `num_frames`, `step` seconds apart; None of fewer than two frames."""
        footage = self.footage
        if len(self._numbers) < 2:
            return None
        times = np.array([footage.time(number) for number in self._numbers])
        seconds = (num_frames - 1) * (step or footage.sampling_rate / (footage.fps or 30.0))
        return liveliest(np.array(self._greys), times, cuts, seconds, footage.source_size)


def find_liveliest(
    path: str | Path, num_frames: int, step: float | None, start: float = 0.0, *, sampling_rate: int = 1
) -> Liveliest | None:
    """Where up to two minutes of a video move most, for a clip of `num_frames` frames as `read_seconds` reads it.

    It decodes all of them. None where there is a single frame. Raises VideoError.
    """
    with stream_seconds(path, step, start, sampling_rate=sampling_rate) as stream:
        kept = Kept(stream)
        cuts = [each.time for each in Windows(kept, num_frames) if isinstance(each, Cut)]
        return kept.liveliest(cuts, num_frames, step)


def liveliest(
    greys: np.ndarray, times: np.ndarray, cuts: Sequence[float], seconds: float, size: tuple[int, int]
) -> Liveliest:
    """The piece of `seconds`, off any cut, and the square, that change most.

    `greys` (T, 16, 16) are of all frames, shown at `times` (T,) in seconds; `size` is the picture's height and width. Where no
    piece is off the cuts, the one that moves most is taken with its cut. Raises ValueError for fewer than two frames.
    """
    if len(greys) < 2:
        raise ValueError(f"there are {len(greys)} frames; motion needs at least 2")
    change = np.abs(np.diff(greys, axis=0))  # (T - 1, 16, 16)
    near = np.zeros(len(change), bool)
    for cut in cuts:
        near |= (times[1:] > cut - AROUND) & (times[:-1] < cut + AROUND)
    whole_picture = change.mean((1, 2))
    blocked = np.concatenate([[0], np.cumsum(near)])
    ends = np.minimum(np.searchsorted(times, times + seconds + 1e-6, side="right") - 1, len(times) - 1)
    starts = np.arange(len(times))
    late = (times[-1] - times < seconds - 1e-6) & (starts > 0)  # too late to be as long
    allowed = (ends > starts) & ~late
    free = allowed & (blocked[ends] == blocked[starts])
    off = bool(free.any())
    motion = np.full(len(times), -1.0)
    for start in np.flatnonzero(free if off else allowed).tolist():
        motion[start] = np.median(whole_picture[start : ends[start]])
    first = int(motion.argmax())
    last = int(ends[first])
    top, left, side, there, ratio = _square(change[first:last].mean(0), size)
    reason = _reason(float(times[first]), float(times[last]), there, off, bool(len(cuts)))
    place = "" if ratio is None else f" The square is the one with most motion, {ratio:.1f} times that of the middle."
    return Liveliest(float(times[first]), float(times[last]), top, left, side, there, reason + place)


def _square(change: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, float, float | None]:
    """Top, left and side of the square in source pixels, its motion, and how many times that of the middle it is; None where it is
    the middle one."""
    height, width = size
    side, longer = min(size), max(size)
    along = change.mean(0) if width >= height else change.mean(1)  # (16,) cells of the longer side
    edges = np.concatenate([[0], np.cumsum(along)])
    places = np.linspace(0, longer - side, PLACES)
    at = np.linspace(0, longer, len(along) + 1)
    motion = (np.interp(places + side, at, edges) - np.interp(places, at, edges)) * longer / side / len(along)
    middle, best = float(motion[PLACES // 2]), int(motion.argmax())
    if motion[best] < max(CLEARLY * middle, STILL):
        best = PLACES // 2
    place = round(float(places[best]))
    top, left = (0, place) if width >= height else (place, 0)
    return (
        top,
        left,
        side,
        float(motion[best]),
        float(motion[best] / max(middle, 1e-6)) if best != PLACES // 2 else None,
    )


def _reason(start: float, end: float, motion: float, off: bool, cuts: bool) -> str:
    if motion < STILL:
        return f"Hardly anything moves; {start:.1f} to {end:.1f} s is as good as any."
    if not off:
        return f"Every piece of this length holds a cut; {start:.1f} to {end:.1f} s moves most."
    return f"Most motion{' away from the cuts' if cuts else ''}: {start:.1f} to {end:.1f} s."
