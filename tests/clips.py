"""Small video files whose every picture carries its own number, written with PyAV: no binary lives in the repository.

The number is a bar code of 4 x 3 large blocks, black for 0 and white for 1, which survives lossy coding, odd sizes and
reduction: nine bits of the number, then three check bits, so that a torn or mixed picture does not read as another one.
"""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

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
    """Writes frames (T, H, W, 3) uint8 RGB to a video file; the container follows the suffix unless it is named.

    `ticks` gives the presentation time of each frame in units of 1/fps; without it the frame rate is constant.
    Other keywords are options of the encoder: bf="2", g="12", crf="18".
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


def write_sound(path: Path | str, seconds: float = 0.5) -> Path:
    """Writes a file with a sound track and no pictures."""
    rate = 16_000
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=rate)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, int(seconds * rate)), np.float32), "fltp", "mono")
        silence.rate = rate
        out.mux(stream.encode(silence))
        out.mux(stream.encode())
    return Path(path)


def rotate_clip(path: Path | str, degrees: int) -> None:
    """Sets the display rotation in an mp4 or mov file's header: players turn the pictures clockwise by 90, 180 or 270."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    data = bytearray(Path(path).read_bytes())
    matrix = data.index(b"tkhd") + 44
    one = 1 << 16
    data[matrix : matrix + 36] = struct.pack(
        ">9i", cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, one << 14
    )
    Path(path).write_bytes(data)


def trim_clip(source: Path | str, target: Path | str, seconds: float) -> Path:
    """Copies a clip without its first seconds and without coding again: an edit list hides what a key frame needs."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as out:
        stream = out.add_stream_from_template(reader.streams.video[0])
        for packet in reader.demux(video=0):
            if packet.dts is not None:
                shift = round(seconds / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                out.mux(packet)
    return Path(target)
