"""Frames by decord, for the files that it reads exactly: every packet is a frame that is shown, upright and with square pixels.

A fresh reader's frames are taken in order by `next()`: random access silently returns wrong frames for trimmed files.
"""

import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import av  # noqa: F401, before decord, so that each uses its own copy of FFmpeg's libraries
import decord
import numpy as np

from sifa.video._survey import SEEK_FROM, Survey

STANDARD_INPUT = "fd:" if os.name == "posix" else ""  # FFmpeg's name for it, by which nothing is opened anew
COPIES = 1  # of its descriptor, which FFmpeg makes
MOST_PIXELS = 2_100_000  # of larger frames its queues hold too many for the memory limit


def reads_exactly(found: Survey, first: int) -> bool:
    """Whether these are frames that decord delivers as PyAV does; `first` is the number of the first that is wanted."""
    return (
        found.ticks is not None
        and found.packets == len(found.ticks)
        and found.plain
        and found.pixel in (None, 1)
        and not found.cut_off
        and found.width * found.height <= MOST_PIXELS
        and first < SEEK_FROM
    )


def read(video: BinaryIO, found: Survey) -> Iterator[np.ndarray] | None:
    """The frames (H, W, 3) uint8 from the first one on, or None where decord does not see the frames that the survey saw."""
    decord.logging.set_level(
        decord.logging.ERROR
    )  # its complaints go to standard error, where the parent looks for them
    video.seek(0)
    try:
        reader = decord.VideoReader(STANDARD_INPUT or video, num_threads=1)
        times = np.asarray(reader.get_frame_timestamp(list(range(len(reader)))), np.float64)
    except decord.DECORDError:
        return None
    if len(times) != len(found.times) or np.abs(times[:, 0] - times[0, 0] - found.times).max() > 1e-3:
        return None
    return (without_padding(reader.next().asnumpy()) for _ in range(len(times)))


def without_padding(frame: Any) -> np.ndarray:
    """(H, W, 3): decord takes the padding at the row ends of some frames for a fourth channel."""
    height, width = frame.shape[:2]
    return np.asarray(frame.reshape(height, -1)[:, : 3 * width].reshape(height, width, 3))
