"""A clip: frames sampled from a video, where they come from, and within which limits they are read."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from sifa.errors import VideoError
from sifa.video.cuts import Cut


@dataclass(frozen=True)
class Clip:
    """Frames sampled from a video, and where they come from."""

    frames: np.ndarray  # (T, H, W, 3) uint8 RGB
    times: np.ndarray  # (T,) float64, presentation time in seconds
    indices: np.ndarray  # (T,) int64, frame numbers in the source
    path: str
    fps: float = 0.0  # average of the source
    source_frames: int = 0
    source_size: tuple[int, int] = (0, 0)  # height and width of the source, after rotation
    sampling_rate: int = 1  # source frames from one sampled frame to the next; rounded, if its rate varies
    padded: int = 0  # frames at the end that repeat the last one, because the video is shorter than the span
    notes: tuple[str, ...] = ()  # sentences: what was done to the frames, or is left out
    cut: Cut | None = None  # where the clip joins two shots, as far as its reader sees
    part: "Square | None" = None  # what the frames show of the source; None: all of it

    def cut_out(self, square: "Square") -> "Clip":
        """Of every frame the part inside a square of the source. Raises VideoError where that is not wholly in the picture."""
        square.check(self.source_size)
        scale = self.frames.shape[1] / self.source_size[0], self.frames.shape[2] / self.source_size[1]
        top, left = (round(place * each) for place, each in zip(square[:2], scale))
        side = max(1, min(round(square.side * min(scale)), self.frames.shape[1] - top, self.frames.shape[2] - left))
        return replace(self, frames=self.frames[:, top : top + side, left : left + side], part=square)


class Square(NamedTuple):
    """A square of a source's picture, in its pixels."""

    top: int
    left: int
    side: int

    def check(self, size: tuple[int, int]) -> None:
        """Raises VideoError where it is not wholly in a picture of this height and width."""
        height, width = size
        fits = self.top >= 0 and self.left >= 0 and self.top + self.side <= height and self.left + self.side <= width
        if not fits or self.side < LEAST_SIDE:
            raise VideoError(
                f"the square has {self.side} pixels a side, {self.left} from the left and {self.top} from the top; it must have "
                f"at least {LEAST_SIDE} and lie in the picture of {width} x {height}"
            )


@dataclass(frozen=True)
class DecodeLimits:
    """What reading one video may take; more is a VideoError."""

    memory_bytes: int = 1 << 30  # address space of the decoding process
    seconds: int = 20
    pixels: int = 9_400_000  # per frame
    frames: int = 20_000


LIMITS = DecodeLimits()
FITTED = "The video is shorter than the model's window, so its frames are taken closer together: motion looks slower than it is."
LEAST_SIDE = 16  # pixels of a square that is cut out
LARGEST = 10**6  # num_frames and sampling_rate: far above any video within the limits


def is_enough(present: int, num_frames: int) -> bool:
    """Whether so many sampled frames, of those that a model reads, show enough of a motion: half of them.

    Of generated clips cut off after 10, 8, 6 and 4 of 16 frames, the shipped weights name 91, 85, 36 and 4 in 100 rightly; with
    fewer they say that nothing moves, and are sure of it.
    """
    return 2 * present >= num_frames


def spread(count: int, num_frames: int, present: int) -> np.ndarray | None:
    """The numbers of `num_frames` frames, evenly over `count` ones, where at the usual step only `present` are sampled.

    None where the usual step suffices, where there are too few frames, or where motion would look less than half as fast as it
    is: of clips slowed down to a half and to a quarter, the shipped weights name 88 and 49 in 100 rightly.
    """
    if present >= num_frames or count < num_frames or not is_enough(present, num_frames):
        return None
    return np.round(np.linspace(0, count - 1, num_frames)).astype(np.int64)


def check_sampling(num_frames: int, sampling_rate: int, start: int) -> None:
    """Raises VideoError for numbers with which no frame can be sampled."""
    for name, value, least in (("num_frames", num_frames, 1), ("sampling_rate", sampling_rate, 1), ("start", start, 0)):
        if value < least:
            raise VideoError(f"{name} is {value}; it must be at least {least}")
        if name != "start" and value > LARGEST:
            raise VideoError(f"{name} is {value}; it must be at most {LARGEST}")


def check_seconds(step: float | None, start: float) -> None:
    """Raises VideoError for times at which no frame can be sampled."""
    if step is not None and not 0 < step <= LARGEST:
        raise VideoError(f"the step is {step:g} s; it must be above 0 and at most {LARGEST} s")
    if not 0 <= start <= LARGEST:
        raise VideoError(f"the start is {start:g} s; it must be between 0 and {LARGEST} s")
