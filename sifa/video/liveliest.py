"""Where a video moves most: the piece of it, and the square of its picture, that are shown first.

Found on grey pictures of 16 x 16 cells, by how much they change from one to the next. Nothing is compensated for: a moving camera
counts as a moving thing does, and so would a flicker.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
    total = np.concatenate([[0], np.cumsum(np.where(near, 0, change.mean((1, 2))))])
    blocked = np.concatenate([[0], np.cumsum(near)])
    ends = np.minimum(np.searchsorted(times, times + seconds + 1e-6, side="right") - 1, len(times) - 1)
    starts = np.arange(len(times))
    whole = (times[-1] - times < seconds - 1e-6) & (starts > 0)  # begins too late to be as long
    allowed = (ends > starts) & ~whole
    free = allowed & (blocked[ends] == blocked[starts])
    off = bool(free.any())
    motion = np.where(free if off else allowed, (total[ends] - total[starts]) / np.maximum(ends - starts, 1), -1)
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
