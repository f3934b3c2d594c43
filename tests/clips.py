"""Small video files whose every picture carries its own number, written with PyAV: no binary lives in the repository.

The number is a bar code of 4 x 3 large blocks, black for 0 and white for 1, which survives lossy coding, odd sizes and
reduction: nine bits of the number, then three check bits, so that a torn or mixed picture does not read as another one.
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

ROWS, COLUMNS = 3, 4
NUMBER_BITS, CHECK_BITS = 9, 3


def bits_of(number: int) -> list[int]:
    """The twelve blocks of a number, row by row from the top left."""
    check = number % 7 + 1
    return [number >> i & 1 for i in range(NUMBER_BITS)] + [check >> i & 1 for i in range(CHECK_BITS)]


def numbered_frames(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Pictures numbered 0 to count - 1 (at most 512): (count, height, width, 3) uint8.

    Black blocks have a blue and white blocks a yellow tint, so that swapped colour channels show.
    """
    row = np.arange(height) * ROWS // height
    column = np.arange(width) * COLUMNS // width
    block = row[:, None] * COLUMNS + column
    palette = np.array([[16, 16, 64], [240, 240, 192]], np.uint8)
    return np.stack([palette[np.array(bits_of(number))[block]] for number in range(count)])


def frame_number(frame: np.ndarray) -> int:
    """The number in a picture (H, W, 3); ValueError where a block is neither black nor white or the check fails."""
    height, width = frame.shape[:2]
    bits = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            top, left = (4 * row + 1) * height // (4 * ROWS), (4 * column + 1) * width // (4 * COLUMNS)
            block = frame[top : top + height // (2 * ROWS), left : left + width // (2 * COLUMNS)]
            level = block[..., :2].mean()
            if 80 < level < 176:
                raise ValueError(f"block {row}, {column} has level {level:.0f}: neither black nor white")
            bits.append(int(level > 128))
    number = sum(bit << i for i, bit in enumerate(bits[:NUMBER_BITS]))
    if bits != bits_of(number):
        raise ValueError(f"the check bits of number {number} are wrong")
    return number


def frame_numbers(frames: np.ndarray) -> list[int]:
    return [frame_number(frame) for frame in frames]


def write_clip(
    path: Path | str,
    frames: np.ndarray,
    fps: int = 25,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    ticks: list[int] | None = None,
    container: str | None = None,
    container_options: dict[str, str] | None = None,
    **codec_options: str,
) -> Path:
    """Writes frames (T, H, W, 3) uint8 to a video file; the container follows the suffix unless it is named.

    `ticks` gives the presentation time of each frame in units of 1/fps; without it the frame rate is constant.
    """
    with av.open(str(path), "w", format=container, container_options=container_options or {}) as out:
        stream = out.add_stream(codec, rate=fps, options=codec_options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        stream.codec_context.time_base = Fraction(1, fps)
        for i, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = ticks[i] if ticks else i
            frame.time_base = Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return Path(path)


def write_frames(folder: Path, frames: np.ndarray, name: str = "{:05d}.png", first: int = 1) -> Path:
    """Writes frames (T, H, W, 3) uint8 as numbered pictures into a new folder, which is returned."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames, first):
        Image.fromarray(frame).save(folder / name.format(number))
    return folder
