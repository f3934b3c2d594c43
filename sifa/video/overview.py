"""A video at a glance: small pictures of it from beginning to end, its cuts, and where it moves most, in one pass."""

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from sifa.video.cuts import Cut
from sifa.video.liveliest import Kept, Liveliest
from sifa.video.stream import LONGEST, Footage, Frame, stream_seconds
from sifa.video.windows import Windows

MOST = 40  # thumbnails
LONG_SIDE, SHORT_SIDE = 240, 96  # pixels of a thumbnail, at most
BYTES = 6000  # of a thumbnail, at most
QUALITIES = (72, 50, 30, 12)  # of JPEG, until it is small enough


class Thumbnail(NamedTuple):
    """A small picture of a video."""

    time: float  # when it is shown, in seconds
    picture: bytes  # a JPEG of at most `BYTES` bytes


class Overview:
    """Up to two minutes of a video, looked at once: `for share in overview` goes through it and tells how far it is, from 0 to 1.

    `num_frames` frames, `step` seconds apart (`sampling_rate` frames where it is None), are the window that is looked for. The
    video is decoded in the process that is shut off (`sifa.video.child`), which hands over raw pictures; nothing but the
    thumbnails is kept of them. Stopping early stops the decoding. Raises VideoError where not even the first frame can be read.
    """

    def __init__(
        self, path: str | Path, num_frames: int, step: float | None, sampling_rate: int = 1, longest: float = LONGEST
    ) -> None:
        self.path, self.num_frames, self.step, self.sampling_rate = Path(path), num_frames, step, sampling_rate
        self.longest = longest
        self.thumbnails = list[Thumbnail]()  # so far, at equal distances in the end
        self.cuts = list[Cut]()  # so far
        self.footage: Footage | None = None  # before the first frame
        self.ended = ""  # why it ends before the video does, as a sentence
        self._share = 0.0

    def __iter__(self) -> Iterator[float]:
        with stream_seconds(self.path, self.step, sampling_rate=self.sampling_rate, longest=self.longest) as stream:
            self.footage = stream.footage
            self._kept = Kept(stream)
            passed = _Thumbnails(self._kept, self.thumbnails)
            seen = 0
            for each in Windows(passed, self.num_frames):
                if isinstance(each, Cut):
                    self.cuts.append(each)
                if len(self.thumbnails) > seen:
                    seen = len(self.thumbnails)
                    yield min(0.99, seen / passed.count)
            self.ended = stream.ended or stream.footage.left_out
        yield 1.0

    def liveliest(self) -> Liveliest | None:
        """The window and the square with most motion among the frames that were seen; None of fewer than two."""
        if self.footage is None:
            return None
        return self._kept.liveliest([cut.time for cut in self.cuts], self.num_frames, self.step)


class _Thumbnails:
    """Frames on their way, of which some are kept as small pictures."""

    def __init__(self, frames: Kept, kept: list[Thumbnail]) -> None:
        self.footage, self._frames, self._kept = frames.footage, frames, kept
        numbers = np.unique(self.footage.numbers)
        self.count = min(MOST, len(numbers))
        # The middle of each part, no two alike.
        at = ((np.arange(self.count) + 0.5) * len(numbers) / self.count).astype(int)
        self._wanted = set(numbers[at].tolist())

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            if frame.number in self._wanted and frame.picture is not None:
                self._kept.append(Thumbnail(self.footage.time(frame.number), thumbnail(frame.picture)))
            yield frame


def thumbnail(picture: np.ndarray) -> bytes:
    """A picture (H, W, 3) uint8 as a small JPEG, of at most `BYTES` bytes."""
    height, width = picture.shape[:2]
    scale = min(1.0, LONG_SIDE / max(height, width), SHORT_SIDE / min(height, width))
    while True:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = Image.fromarray(picture).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
        for quality in QUALITIES:
            out = io.BytesIO()
            small.save(out, "JPEG", quality=quality, optimize=True)
            if out.tell() <= BYTES:
                return out.getvalue()
        scale /= math.sqrt(2)
