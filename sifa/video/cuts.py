"""Where a clip is cut: two shots joined, at once (hard) or by a dissolve of up to a third of a second.

Worked out on grey pictures of 16 x 16 cells. Two frames are *related* as far as each block of one is found again anywhere in
the other, by normalised correlation: a pan, a mover, a shaking hand or another exposure leaves them related. A hard cut lies
between neighbours that are not related, nor are the frames around them (or it is a flash). In a dissolve the frames between
are mixtures a A + (1 - a) B of what was before and what comes after, so their contrast dips: its energy (of the picture and of
its gradients) is a^2 e_A + (1 - a)^2 e_B, where of pictures that only move it goes evenly from e_A to e_B. The idea is that of
Alattar, "Detecting and compressing dissolve regions in video sequences" (1993).
"""

import math
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

SIDE, BLOCK = 16, 8  # cells of a picture and of a block, each way
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue, ITU-R BT.601
RATE = 30.0  # frames per second that are looked at, of faster videos
LONGEST = 1 / 3  # seconds of a dissolve
FLASH = 0.11  # seconds of a flash; nor are cuts seen that are nearer to an end of the clip
NEIGHBOURS = 4  # pairs of frames on each side that say how related the clip's frames are
NOISE = 6.0  # standard deviation of a cell, 0..255, that counts as nothing
PLAIN = 0.4  # neighbours that are less related than this show too little to tell
APART = 0.75  # frames are not related where they are less so than this share of what neighbours are
UNMIXED, RELATED = (
    2.0,
    0.5,
)  # a dissolve's contrast dips by more than what is unmixed and how related its ends are, times these
SPANS = 1.0, 0.6  # of the longest dissolve: in a shorter span less of it is motion
MOST = 5  # places that are looked at closely
CHUNK = 128  # frames at a time

Kind = Literal["hard", "dissolve"]
Pictures = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Cut:
    """Where two shots are joined."""

    frame: int  # the first one after a hard cut, the middle one of a dissolve: a number in the source
    time: float  # when that is shown, in seconds
    kind: Kind

    @property
    def sentence(self) -> str:
        """What a reader should know of it."""
        words = "is cut" if self.kind == "hard" else "dissolves into another"
        return (
            f"The picture {words} at {self.time:.2f} s (frame {self.frame}); what the model says of both parts together "
            "means little."
        )


def small(pictures: np.ndarray) -> Pictures:
    """Pictures (..., H, W, 3) of RGB as grey ones (..., 16, 16), each cell the mean of what lies under it; 0..255."""
    step = max(1, min(pictures.shape[-3:-1]) // (8 * SIDE))
    return small_grey(pictures[..., ::step, ::step, :] @ GREY)


def small_grey(grey: np.ndarray) -> Pictures:
    """Grey pictures (..., H, W) as ones of (..., 16, 16) cells."""
    rows, columns = (_means(length) for length in grey.shape[-2:])
    return np.asarray(rows @ grey.astype(np.float32) @ columns.T)


def _means(length: int) -> Pictures:
    """(16, length): each row takes the mean of its sixteenth of a side."""
    edge = np.linspace(0, length, SIDE + 1, dtype=np.float32)
    pixel = np.arange(length, dtype=np.float32)
    share = np.minimum(edge[1:, None], pixel + 1) - np.maximum(edge[:-1, None], pixel)
    return np.asarray(share.clip(0) * (SIDE / length), np.float32)


def cut_among(pictures: Pictures, numbers: np.ndarray, times: np.ndarray) -> Cut | None:
    """The plainest cut among frames, by `find_cut`, of which `numbers` (T,) are the numbers in the source."""
    found = find_cut(pictures, times)
    return found and Cut(int(numbers[found[0]]), float(times[found[0]]), found[1])


def find_cut(pictures: Pictures, times: np.ndarray) -> tuple[int, Kind] | None:
    """The plainest cut in a clip: the position of its frame (see `Cut.frame`) and its kind; None where there is none.

    `pictures` (T, 16, 16) are all frames of the clip, as `small` gives them, and `times` (T,) are in seconds. Frames that are
    sampled more sparsely do, too, but short dissolves between them are seen as hard cuts.
    """
    pace = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    if pace <= 0:
        return None
    chosen = np.arange(0, len(pictures), max(1, round(1 / RATE / pace)))
    step = pace * (chosen[1] if len(chosen) > 1 else 1)
    shots = Shots(pictures[chosen], round(step, 6))
    hard = shots.hard_cut()
    if hard is not None:
        first, last = chosen[hard], chosen[hard + 1]
        change = np.abs(np.diff(pictures[first : last + 1], axis=0)).mean((1, 2))
        return int(first + change.argmax() + 1), "hard"
    middle = shots.dissolve()
    return None if middle is None else (int(chosen[middle]), "dissolve")


class Shots:
    """Frames (T, 16, 16), `step` seconds from one to the next."""

    def __init__(self, frames: Pictures, step: float) -> None:
        self.frames, self.step = frames, step
        self.near = math.ceil(round(FLASH / step, 3))  # frames that a flash may last, and one
        last = len(frames) - 1
        parts = [np.arange(i, min(i + CHUNK, last)) for i in range(0, last, CHUNK)]
        self.next = np.concatenate(
            [related(frames[i[0] : i[-1] + 2], i - i[0], i - i[0] + 1) for i in parts] or [np.empty(0)]
        )

    def usual(self, i: int, j: int) -> float:
        """How related neighbours are before frame i and after frame j, on the side where they are less so."""
        sides = self.next[max(0, i - NEIGHBOURS) : i], self.next[j : j + NEIGHBOURS]
        return min((median(side.tolist()) for side in sides if len(side)), default=0.0)

    def likeness(self, i: int, j: int) -> float:
        """How related frames up to i are to frames from j on, at the most, as a share of what is usual there.

        1 where too little is to be seen.
        """
        usual = self.usual(i, j)
        if usual < PLAIN:
            return 1.0
        before = np.unique(np.linspace(max(0, i - self.near), i, 3).astype(int))
        after = np.unique(np.linspace(j, min(j + self.near, len(self.frames) - 1), 3).astype(int))
        one, other = (part.ravel() for part in np.mgrid[: len(before), len(before) : len(before) + len(after)])
        frames = self.frames[np.concatenate([before, after])]
        return float(related(frames, one, other).max()) / usual

    def hard_cut(self) -> int | None:
        """The last frame before the plainest hard cut."""
        edge, count = max(1, self.near - 2), len(self.next)
        share = np.array([self.next[i] / max(self.usual(i, i + 1), 1e-6) for i in range(count)])
        for i in np.argsort(share)[:MOST].tolist():
            if share[i] < APART and edge <= i < count - edge and self.likeness(i, i + 1) < APART:
                return int(i)
        return None

    def dissolve(self) -> int | None:
        """The middle frame of the plainest dissolve."""
        for span in SPANS:
            gap = math.ceil(round(span * LONGEST / self.step, 3)) + 1
            if len(self.frames) <= gap:
                continue
            share, dip, unmixed = mixtures(self.frames, gap)
            plain = dip - UNMIXED * unmixed
            for i in np.argsort(-plain)[:MOST].tolist():
                if plain[i] <= 0:
                    break
                if self.likeness(i, i + gap) < min(APART, plain[i] / RELATED):
                    return int(i + 1 + np.abs(share[:, i] - 0.5).argmin())
        return None


def related(frames: Pictures, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How related pairs of frames (T, 16, 16) are, of the numbers one (P,) and other (P,) -> (P,), up to 1.

    The mean over the blocks of one frame of the best normalised correlation with any place of the other, in the direction in which
    it is less. All blocks carry a constant noise beside their contrast, so that plain ones fit plain ones and nothing else.
    """
    places = SIDE - BLOCK + 1
    windows = sliding_window_view(frames, (BLOCK, BLOCK), (1, 2)).reshape(len(frames), places**2, BLOCK**2)
    windows = windows - windows.mean(-1, keepdims=True)
    size = np.sqrt(np.einsum("tpk,tpk->tp", windows, windows) / BLOCK**2 + NOISE**2)[..., None]
    windows /= BLOCK * size
    plain = NOISE / size
    at = np.linspace(0, places - 1, 3).astype(int)
    blocks = (places * at[:, None] + at).ravel()
    found = []
    for here, there in ((one, other), (other, one)):
        match = windows[:, blocks][here] @ windows[there].transpose(0, 2, 1)
        match += plain[:, blocks][here] * plain[there].transpose(0, 2, 1)
        found.append(match.max(-1).mean(1))
    return np.asarray(np.minimum(found[0], found[1]))


def mixtures(frames: Pictures, gap: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether frames are mixtures of those at both ends of a span of `gap` frames, for each of N spans.

    -> the share of the frame before in each frame between (gap - 1, N); how far the contrast dips there (N,), 1 in a pure dissolve
    and 0 where none is half mixed; and what no mixture explains of the frame that is explained least (N,), as a share of the
    change from before to after.
    """
    before, after = frames[:-gap], frames[gap:]
    change = before - after
    size = (change**2).sum((1, 2)) + 1e-6
    steps = [(np.diff(frames, axis=axis) ** 2).sum((1, 2)) for axis in (1, 2)]
    energy = np.stack([steps[0] + steps[1], frames.var((1, 2))])
    start, end = energy[:, :-gap], energy[:, gap:]
    shares, dips, rests = [], [], []
    for k in range(1, gap):
        between = frames[k : k - gap]
        share = ((between - after) * change).sum((1, 2)) / size
        rest = between - after - share[:, None, None] * change
        even = share * start + (1 - share) * end
        dip = (even - energy[:, k : k - gap]) / (start + end + 1e-6) / np.maximum(share * (1 - share), 0.05)
        shares.append(share)
        dips.append(np.where(np.abs(share - 0.5) < 0.3, dip, np.nan))
        rests.append((rest**2).sum((1, 2)) / size)
    known = np.asarray(~np.isnan(dips).all((0, 1)))
    lowest = np.zeros(len(known))
    lowest[known] = np.nanmedian(np.array(dips)[..., known], axis=0).min(0)
    return np.array(shares), lowest, np.max(rests, axis=0)
